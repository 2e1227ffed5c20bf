"""Threads that share the pieces of one batched step: the calling thread works too, and whoever is free takes the next.

MuJoCo releases the interpreter while it steps, so Python threads reach all cores. MuJoCo's own pool of threads leaves
the caller asleep and wakes it for each piece; here only the helpers are woken, once per step, and a thread that wakes
late or is slowed down just takes fewer pieces.
"""

from __future__ import annotations

import functools
import itertools
import math
import threading
import weakref
from collections.abc import Callable
from queue import SimpleQueue

# Worlds of the smallest piece: handing one out costs about as much as half a simple world's step.
_SMALLEST = 2
# Of a thread's share of what is left, the next piece: less means more pieces to hand out, more that threads end apart.
_SHARE = 0.85


class Crew:
    """The calling thread and ``num_threads - 1`` helpers, which live until ``close``."""

    def __init__(self, num_threads: int) -> None:
        self.num_threads = num_threads
        self._orders: list[SimpleQueue[Callable[[], None] | None]] = [SimpleQueue() for _ in range(num_threads - 1)]
        self._done: SimpleQueue[BaseException | None] = SimpleQueue()
        for orders in self._orders:
            threading.Thread(target=_serve, args=(orders, self._done), daemon=True).start()
        self._dismiss = weakref.finalize(self, _dismiss, self._orders)

    def run(self, work: Callable[[int, slice], None], count: int) -> None:
        """Calls ``work(thread, part)`` until the parts have covered ``range(count)`` once; returns when all are done.

        Args:
            work: Does one part on the thread with that number (0 is the caller).
            count: Items to share.

        Raises:
            Exception: The first one that the work raised; by then no thread works any more.
        """
        parts = _parts(count, self.num_threads)
        take = itertools.count().__next__  # one call into C: no two threads get the same number

        def share(thread: int) -> None:
            while (number := take()) < len(parts):
                work(thread, parts[number])

        helpers = self._orders[: len(parts) - 1]
        for thread, orders in enumerate(helpers, start=1):
            orders.put(functools.partial(share, thread))
        try:
            share(0)
        finally:
            errors = [error for _ in helpers if (error := self._done.get())]
        if errors:
            raise errors[0]

    def close(self) -> None:
        """Ends the helpers; so does the end of the crew's own life."""
        self._dismiss()
        self._orders = []


def _serve(orders: SimpleQueue[Callable[[], None] | None], done: SimpleQueue[BaseException | None]) -> None:
    while (order := orders.get()) is not None:
        error = None
        try:
            order()
        except BaseException as caught:  # noqa: BLE001 - handed to the caller of run, who raises it
            error = caught
        del order  # it refers to the worlds, which would otherwise live on while this thread waits
        done.put(error)


def _dismiss(queues: list[SimpleQueue[Callable[[], None] | None]]) -> None:
    for orders in queues:
        orders.put(None)


@functools.lru_cache(maxsize=256)
def _parts(count: int, num_threads: int) -> tuple[slice, ...]:
    """Cuts into parts that get smaller, so that all threads end at nearly the same time."""
    parts, begin = [], 0
    while begin < count:
        left = count - begin
        size = left if num_threads == 1 else min(left, max(_SMALLEST, math.ceil(_SHARE * left / num_threads)))
        parts.append(slice(begin, begin + size))
        begin += size
    return tuple(parts)
