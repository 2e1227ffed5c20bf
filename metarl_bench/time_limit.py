"""A limit to the time that an agent may take for one action, so that one that hangs does not hang the run.

Python code can be stopped from outside only by a signal to the main thread. So there is no limit on Windows and in
meta-tests that run in another thread, and none for code that never comes back to the interpreter.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import FrameType

ACT_SECONDS = 60.0  # of one call of ``Adaptation.act`` for a whole batch of worlds


@contextmanager
def limited_acts() -> Iterator[AbstractContextManager[None]]:
    """Gives a context for each call of ``act``; in it, ``TimeoutError`` is raised after ``ACT_SECONDS``.

    Who else uses the alarm (a test's time limit, say) gets it back afterwards.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield nullcontext()
        return
    seconds = ACT_SECONDS

    def stop(number: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"act took more than {seconds:g} s; expected less. Do less work at each step.")

    begun = time.monotonic()
    left, interval = signal.setitimer(signal.ITIMER_REAL, 0.0)
    previous = signal.signal(signal.SIGALRM, stop)
    try:
        yield _Alarm(seconds)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, previous)
        if left:
            signal.setitimer(signal.ITIMER_REAL, max(left - (time.monotonic() - begun), 1e-3), interval)


class _Alarm(AbstractContextManager[None]):
    """Sets the alarm on entry and stops it on exit; a class, since a generator would cost twice as much a step."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def __enter__(self) -> None:
        # Again and again, should the agent swallow the error.
        signal.setitimer(signal.ITIMER_REAL, self._seconds, self._seconds)

    def __exit__(self, *exception: object) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
