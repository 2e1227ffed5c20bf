"""How a run tells what it does: live bars on a terminal, plain lines elsewhere, or nothing."""

from __future__ import annotations

import multiprocessing
import time
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from typing_extensions import override

LINE_SECONDS = 10.0
BAR_SECONDS = 0.1


class Reporter(Protocol):
    """What the runner calls; ``steps`` comes with every batched training step and must be cheap."""

    def begin(self, cell_name: str, budget: int, steps: int) -> None:
        """Is told which cell starts or goes on, its budget, and the steps it has already."""

    def steps(self, steps: int) -> None:
        """Is told the environment steps taken so far."""

    def message(self, text: str) -> None:
        """Is told something that a user should read."""

    def end(self, status: str) -> None:
        """Is told how the run of the cell ended."""


class SilentReporter(Reporter):
    """Says nothing."""

    @override
    def begin(self, cell_name: str, budget: int, steps: int) -> None:
        pass

    @override
    def steps(self, steps: int) -> None:
        pass

    @override
    def message(self, text: str) -> None:
        pass

    @override
    def end(self, status: str) -> None:
        pass


class ConsoleReporter(Reporter):
    """Writes to standard error: a bar with rate and time left on a terminal, else a line every ten seconds."""

    def __init__(self) -> None:
        self._name = ""
        self._budget = 0
        self._steps = 0
        self._begun = (0.0, 0)
        self._shown = 0.0
        self._progress: Progress | None = None
        self._task = TaskID(0)

    @override
    def begin(self, cell_name: str, budget: int, steps: int) -> None:
        self._name, self._budget, self._steps = cell_name, budget, steps
        now = time.perf_counter()
        self._begun, self._shown = (now, steps), now
        console = Console(stderr=True)
        # Workers share one terminal, where several live bars would overwrite each other.
        if console.is_terminal and multiprocessing.parent_process() is None:
            columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[rate]}"))
            self._progress = Progress(*columns, TimeRemainingColumn(), console=console, transient=True)
            self._task = self._progress.add_task(cell_name, total=budget, completed=steps, rate="")
            self._progress.start()
        else:
            self.message(f"starts at {steps:,} of {budget:,} steps")

    @override
    def steps(self, steps: int) -> None:
        self._steps = steps
        now = time.perf_counter()
        if now - self._shown < (LINE_SECONDS if self._progress is None else BAR_SECONDS):
            return
        self._shown = now
        if self._progress is not None:
            self._progress.update(self._task, completed=steps, rate=f"{steps:,} steps, {self._rate():,.0f} steps/s")
        else:
            left = (self._budget - steps) / max(self._rate(), 1e-9)
            self.message(f"{steps:,} of {self._budget:,} steps, {self._rate():,.0f} steps/s, {left:,.0f} s left")

    @override
    def message(self, text: str) -> None:
        console = Console(stderr=True) if self._progress is None else self._progress.console
        # No markup: brackets in ids and paths are text.
        console.print(f"{self._name}: {text}" if self._name else text, markup=False, highlight=False, soft_wrap=True)

    @override
    def end(self, status: str) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = None
        self.message(f"{status} at {self._steps:,} of {self._budget:,} steps")
        self._name = ""

    def _rate(self) -> float:
        then, steps = self._begun
        return (self._steps - steps) / max(time.perf_counter() - then, 1e-9)
