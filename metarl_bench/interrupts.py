"""Ctrl-C and SIGTERM (as batch systems send it) as an exception that may strike anywhere.

Every write of a run is atomic, so it can be raised at once: what is lost is the work since the last save point.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(BaseException):
    """A run was told to stop.

    Not an ``Exception``, so that no handler of an agent's errors swallows it.

    Attributes:
        signal_number: The signal that came.
        lines: What each run that was stopped has lost, and how to go on.
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


# As global as signals are: the interruption since ``interruptible`` was entered, and what runs under way would tell.
_interruptions: list[Interrupted] = []
_tellers: list[Callable[[], list[str]]] = []


@contextmanager
def interruptible(*, once: bool = False) -> Iterator[None]:
    """Raises ``Interrupted`` in the main thread when SIGINT or SIGTERM comes; to be entered there.

    A second signal while the first one unwinds raises the same exception again. Once that has left this context,
    signals are ignored: the process has only to say what was lost, and to end.

    Args:
        once: Ignore a second signal, too. For workers, which get Ctrl-C from the terminal and again from their parent.
    """

    def stop(number: int, frame: FrameType | None) -> None:
        if once:
            _ignore_signals()
        if not _interruptions:
            _interruptions.append(Interrupted(number))
        _raise_interruption()

    _interruptions.clear()
    previous = {number: signal.signal(number, stop) for number in SIGNALS}
    try:
        yield
    except Interrupted:
        _ignore_signals()
        raise
    finally:
        _interruptions.clear()
        for number, handler in previous.items():
            if not once and signal.getsignal(number) is stop:
                signal.signal(number, handler)


@contextmanager
def telling(teller: Callable[[], list[str]]) -> Iterator[None]:
    """Lets an interruption tell what it costs.

    It is asked when the signal comes, and not when ``Interrupted`` is caught: a second one may strike in between.

    Args:
        teller: Returns lines.
    """
    _tellers.append(teller)
    try:
        yield
    finally:
        _tellers.remove(teller)


def raise_if_swallowed() -> None:
    """Raises ``Interrupted`` again if a signal came and the run goes on all the same.

    Libraries may swallow what a signal raises while they are imported (torch does) or in their callbacks.
    """
    if _interruptions:
        _raise_interruption()


def _raise_interruption() -> NoReturn:
    (interruption,) = _interruptions
    # Where nobody has anything to tell any more, what was told before stays.
    interruption.lines = [line for teller in _tellers for line in teller()] or interruption.lines
    raise interruption


def _ignore_signals() -> None:
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def interruption_wins() -> Iterator[None]:
    """Raises ``Interrupted`` instead of an error that a signal has caused, e.g. halfway through a library's import."""
    try:
        yield
    except Exception:
        raise_if_swallowed()
        raise
