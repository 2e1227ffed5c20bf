"""A limit to the time that an agent may take for one action, so that one that hangs does not hang the run.

Python code can be stopped from outside only by a signal to the main thread. So there is no limit on Windows and in
meta-tests that run in another thread, and none for code that never comes back to the interpreter.
"""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import FrameType

ACT_SECONDS = 60.0  # of one call of ``Adaptation.act`` for a whole batch of worlds


@contextmanager
def limited_acts() -> Iterator[AbstractContextManager[None]]:
    """Gives a context for each call of ``act``; in it, ``TimeoutError`` is raised soon after ``ACT_SECONDS``.

    Who else uses the alarm (a test's time limit, say) gets it back afterwards.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield nullcontext()
        return
    call = _Call(ACT_SECONDS)
    begun = time.monotonic()
    left, interval = signal.setitimer(signal.ITIMER_REAL, 0.0)
    previous = signal.signal(signal.SIGALRM, call.look)
    # One alarm that looks now and then: setting and stopping it for each call would be two system calls a step.
    signal.setitimer(signal.ITIMER_REAL, ACT_SECONDS / 10, ACT_SECONDS / 10)
    try:
        yield call
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, previous)
        if left:
            signal.setitimer(signal.ITIMER_REAL, max(left - (time.monotonic() - begun), 1e-3), interval)


class _Call(AbstractContextManager[None]):
    """Knows since when a call has been running; a class, since a generator would cost twice as much a step."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._begun = math.inf

    def __enter__(self) -> None:
        self._begun = time.monotonic()

    def __exit__(self, *exception: object) -> None:
        self._begun = math.inf

    def look(self, number: int, frame: FrameType | None) -> None:
        """Stops a call that takes too long; and once more after as long again, should the agent swallow the error."""
        now = time.monotonic()
        if now - self._begun >= self._seconds:
            self._begun = now
            raise TimeoutError(f"act took more than {self._seconds:g} s; expected less. Do less work at each step.")
