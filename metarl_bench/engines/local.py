"""Cells on this machine: one after another, or each in a process of its own.

A cell that fails, or whose process dies, costs nothing but itself.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from metarl_bench.cells import Cell, Plan
from metarl_bench.errors import BenchError
from metarl_bench.interrupts import Interrupted, interruptible
from metarl_bench.progress import Reporter, SilentReporter
from metarl_bench.runner import Outcome, run_cell


def run_cells(cells: Sequence[Cell], out: Path, *, workers: int, **options: Any) -> list[Outcome]:
    """Runs cells and returns their outcomes in the same order; what fails is an outcome too.

    Args:
        cells: What to run.
        out: Output folder.
        workers: How many cells run at the same time; 1 runs them in this process.
        options: As for ``run_cell``; ``num_threads`` counts for each worker.

    Raises:
        BenchError: If a cell cannot be planned (an unknown id, a bad setting); before any of them starts.
        Interrupted: On SIGINT or SIGTERM, after every worker has stopped.
    """
    for cell in cells:
        Plan.of(cell)
    if workers <= 1:
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
        self._running: list[_Worker] = []

    def run(self, workers: int) -> list[Outcome]:
        waiting = list(range(len(self._cells)))
        try:
            while waiting or self._running:
                while waiting and len(self._running) < workers:
                    self._running.append(self._start(waiting.pop(0)))
                wait([worker.process.sentinel for worker in self._running])
                for worker in [worker for worker in self._running if not worker.process.is_alive()]:
                    self._collect(worker)
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
        """Takes what a worker that has ended left behind: an outcome, or the lines of an interruption."""
        worker.process.join()
        self._running.remove(worker)
        cell = self._cells[worker.index]
        answer: object = None
        with contextlib.suppress(EOFError, OSError):
            answer = worker.pipe.recv() if worker.pipe.poll() else None
        worker.pipe.close()
        if isinstance(answer, Outcome):
            self._outcomes[worker.index] = answer
        elif answer is None:
            message = (
                f"{cell.name}: its process died with exit code {worker.process.exitcode}. "
                f"Go on from its last save point with: {cell.command(self._out)}"
            )
            self._reporter.message(message)
            self._outcomes[worker.index] = _failed(cell, self._out, message)
        return answer

    def _stop(self, stop: Interrupted) -> None:
        """Passes the signal on, and waits, since workers may be in the middle of a write."""
        for worker in self._running:
            if worker.process.pid is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(worker.process.pid, stop.signal_number)
        try:
            for worker in list(self._running):
                answer = self._collect(worker)
                if isinstance(answer, list):
                    stop.lines.extend(answer)
        except Interrupted:
            # Asked twice: no more waiting. Killing is safe, since every write is atomic.
            for worker in self._running:
                worker.process.kill()
            raise


def _work(cell: Cell, out: Path, options: dict[str, Any], pipe: Connection) -> None:
    """Runs one cell in a process of its own and sends its outcome, or what an interruption cost."""
    try:
        with interruptible(once=True):
            pipe.send(_run(cell, out, options))
    except Interrupted as stop:
        pipe.send(stop.lines)
