"""Cells on this machine: one after another, or each in a process of its own.

A cell that fails, or whose process dies, costs nothing but itself. One whose process died (killed for its memory, say)
is started again, and goes on from its save point: what it finds is the same.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from metarl_bench.cells import Cell, Plan
from metarl_bench.errors import BenchError, ConfigError
from metarl_bench.interrupts import Interrupted, interruptible
from metarl_bench.progress import Reporter, SilentReporter
from metarl_bench.runner import Outcome, check_limits, run_cell

RETRIES = 2  # of a cell whose process died
POLL_SECONDS = 1.0


def run_cells(
    cells: Sequence[Cell], out: Path, *, workers: int, until: int | None = None, num_threads: int = 0, **options: Any
) -> list[Outcome]:
    """Runs cells and returns their outcomes in the same order; what fails is an outcome too.

    Args:
        cells: What to run.
        out: Output folder.
        workers: How many cells run at the same time; 1 runs them in this process.
        until: As for ``run_cell``.
        num_threads: As for ``run_cell``; of each worker.
        options: As for ``run_cell``.

    Raises:
        BenchError: If a limit cannot be, or a cell cannot be planned (an unknown id, a bad setting); before any of
            them starts.
        Interrupted: On SIGINT or SIGTERM, after every worker has stopped.
    """
    if workers < 1:
        raise ConfigError(f"The number of workers is {workers}; expected 1 or more (--workers 1).")
    check_limits(until, num_threads)
    for cell in cells:
        Plan.of(cell)
    options |= {"until": until, "num_threads": num_threads}
    if workers == 1:
        return [_run(cell, out, options) for cell in cells]
    return _Pool(cells, out, options).run(workers)


def _run(cell: Cell, out: Path, options: dict[str, Any]) -> Outcome:
    try:
        return run_cell(cell, out, **options)
    except BenchError as error:
        reporter: Reporter = options.get("reporter") or SilentReporter()
        reporter.message(str(error))
        return _failed(cell, out, str(error))


def _failed(cell: Cell, out: Path, message: str) -> Outcome:
    return Outcome(folder=cell.folder(out), status="failed", steps=0, episodes_failed=0, resumed=False, message=message)


@dataclass(frozen=True)
class _Worker:
    index: int
    process: BaseProcess
    pipe: Connection


class _Pool:
    """Processes, one a cell."""

    def __init__(self, cells: Sequence[Cell], out: Path, options: dict[str, Any]) -> None:
        self._cells = cells
        self._out = out
        self._options = options
        self._reporter: Reporter = options.get("reporter") or SilentReporter()
        self._outcomes: dict[int, Outcome] = {}
        self._waiting = list(range(len(cells)))
        self._running: list[_Worker] = []
        self._deaths: Counter[int] = Counter()

    def run(self, workers: int) -> list[Outcome]:
        try:
            while self._waiting or self._running:
                while self._waiting and len(self._running) < workers:
                    self._running.append(self._start(self._waiting.pop(0)))
                # Processes that an agent left behind keep their worker's sentinel open: that is why it is not enough.
                wait([worker.process.sentinel for worker in self._running], timeout=POLL_SECONDS)
                for worker in [worker for worker in self._running if not worker.process.is_alive()]:
                    self._settle(worker, self._collect(worker))
        except Interrupted as stop:
            self._stop(stop)
            raise
        return [self._outcomes[index] for index in range(len(self._cells))]

    def _start(self, index: int) -> _Worker:
        # spawn, not fork: threads of the simulator and of torch do not survive a fork.
        context = multiprocessing.get_context("spawn")
        receiver, sender = context.Pipe(duplex=False)
        arguments = (self._cells[index], self._out, self._options, sender)
        process = context.Process(target=_work, args=arguments, name=self._cells[index].name)
        process.start()
        sender.close()
        return _Worker(index, process, receiver)

    def _collect(self, worker: _Worker) -> object:
        """Returns what a worker that has ended left behind: an outcome, the lines of an interruption, or None."""
        worker.process.join()
        self._running.remove(worker)
        answer: object = None
        with contextlib.suppress(EOFError, OSError):
            answer = worker.pipe.recv() if worker.pipe.poll() else None
        worker.pipe.close()
        return answer

    def _settle(self, worker: _Worker, answer: object) -> None:
        """Notes a cell's outcome, or puts it first in the queue again if its process died."""
        cell = self._cells[worker.index]
        if isinstance(answer, Outcome):
            self._outcomes[worker.index] = answer
            return
        if isinstance(answer, list):
            message = f"{cell.name}: somebody stopped its process.\n" + "\n".join(answer)
        else:
            self._deaths[worker.index] += 1
            tries, code = self._deaths[worker.index], worker.process.exitcode
            message = f"{cell.name}: its process died with exit code {code} (try {tries}). "
            # 1 is an exception, which would come again; a forced new run would be put aside and begun once more.
            if tries <= RETRIES and code != 1 and not self._options.get("force_new_run"):
                self._reporter.message(f"{message}It is started again, and goes on from its last save point.")
                self._waiting.insert(0, worker.index)
                return
            message += f"Go on from its last save point with: {self._command(cell)}"
        self._reporter.message(message)
        self._outcomes[worker.index] = _failed(cell, self._out, message)

    def _stop(self, stop: Interrupted) -> None:
        """Passes the signal on, and waits, since workers may be in the middle of a write."""
        try:
            for worker in self._running:
                if worker.process.pid is not None:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(worker.process.pid, stop.signal_number)
            for worker in list(self._running):
                answer = self._collect(worker)
                if isinstance(answer, list):
                    stop.lines.extend(answer)
        except Interrupted:
            # Asked twice: no more waiting. Killing is safe, since every write is atomic.
            for worker in self._running:
                worker.process.kill()
                cell = self._cells[worker.index]
                stop.lines.append(f"{cell.name}: what it did since the last save point is lost.")
                stop.lines.append(f"Resume with: {self._command(cell)}")
            raise

    def _command(self, cell: Cell) -> str:
        return cell.command(self._out, self._options.get("keep_weights", "all"))


def _work(cell: Cell, out: Path, options: dict[str, Any], pipe: Connection) -> None:
    """Runs one cell in a process of its own and sends its outcome, or what an interruption cost."""
    try:
        with interruptible(once=True):
            pipe.send(_run(cell, out, options))
    except Interrupted as stop:
        pipe.send(stop.lines)
