"""Ctrl-C and SIGTERM (as batch systems send it) as an exception that may strike anywhere.

Every write of a run is atomic, so it can be raised at once: what is lost is the work since the last save point.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)

# Signals that came since ``interruptible`` was entered; as global as signals are.
_received: list[int] = []


class Interrupted(BaseException):
    """A run was told to stop.

    Not an ``Exception``, so that no handler of an agent's errors swallows it.

    Attributes:
        signal_number: The signal that came.
        lines: What each run that was stopped has lost, and how to go on; filled in by the runner.
    """

    def __init__(self, signal_number: int) -> None:
        super().__init__(signal_number)
        self.signal_number = signal_number
        self.lines: list[str] = []

    @property
    def exit_code(self) -> int:
        """130 for SIGINT and 143 for SIGTERM, as shells expect it."""
        return 128 + self.signal_number

    def __str__(self) -> str:
        return "\n".join([f"Interrupted by {signal.Signals(self.signal_number).name}.", *self.lines])


@contextmanager
def interruptible(*, once: bool = False) -> Iterator[None]:
    """Raises ``Interrupted`` in the main thread when SIGINT or SIGTERM comes; to be entered there.

    Args:
        once: Ignore further signals. For workers, which get Ctrl-C from the terminal and again from their parent.
    """

    def stop(number: int, frame: FrameType | None) -> None:
        if once:
            for each in SIGNALS:
                signal.signal(each, signal.SIG_IGN)
        _received.append(number)
        raise Interrupted(number)

    _received.clear()
    previous = {number: signal.signal(number, stop) for number in SIGNALS}
    try:
        yield
    finally:
        _received.clear()
        if not once:
            for number, handler in previous.items():
                signal.signal(number, handler)


def raise_if_swallowed() -> None:
    """Raises ``Interrupted`` again if a signal came and the run goes on all the same.

    Libraries may swallow what a signal raises while they are imported (torch does) or in their callbacks.
    """
    if _received:
        raise Interrupted(_received[-1])


@contextmanager
def interruption_wins() -> Iterator[None]:
    """Raises ``Interrupted`` instead of an error that a signal has caused, e.g. halfway through a library's import."""
    try:
        yield
    except Exception:
        raise_if_swallowed()
        raise
