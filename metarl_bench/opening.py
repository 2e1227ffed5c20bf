"""The worlds that meta-tests, replays and pictures are played in: opened here, and closed whatever happens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from metarl_bench.errors import ConfigError
from metarl_bench.tasks import Suite, Task
from metarl_bench.worlds import Worlds


@contextmanager
def open_worlds(suite: Suite, tasks: Sequence[Task], *, num_threads: int) -> Iterator[Worlds]:
    """Gives one world for each task, which has it; not reset yet.

    Args:
        suite: Of the tasks.
        tasks: One for each world.
        num_threads: Physics threads; 0 takes one per core.

    Raises:
        ConfigError: If the number of threads is below 0.
    """
    check_threads(num_threads)
    worlds = suite.make_worlds(len(tasks), num_threads=num_threads)
    try:
        worlds.set_tasks(tasks)
        yield worlds
    finally:
        worlds.close()


def check_threads(num_threads: int) -> None:
    """Raises ``ConfigError`` for a number of physics threads that cannot be."""
    if num_threads < 0:
        raise ConfigError(
            f"The number of physics threads is {num_threads}; expected 1 or more, or 0 for one per core (--threads 0)."
        )
