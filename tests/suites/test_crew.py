"""The crew of threads: every item once, whatever the threads do, and errors reach the caller."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from metarl_suites.crew import Crew


@pytest.mark.parametrize("num_threads", [1, 2, 3])
@pytest.mark.parametrize("count", [0, 1, 2, 3, 7, 64, 257])
def test_every_item_is_done_once(num_threads: int, count: int) -> None:
    crew = Crew(num_threads)
    done = np.zeros(count, np.int64)

    def work(thread: int, part: slice) -> None:
        assert 0 <= thread < num_threads
        done[part] += 1

    for times in range(1, 4):
        crew.run(work, count)
        np.testing.assert_array_equal(done, times)
    crew.close()


def test_a_slow_thread_leaves_its_share_to_the_other() -> None:
    crew = Crew(2)
    items = [0, 0]

    def work(thread: int, part: slice) -> None:
        items[thread] += part.stop - part.start
        time.sleep(0.1 if thread else 0.001)

    crew.run(work, 64)
    crew.close()
    assert sum(items) == 64
    assert items[0] > items[1]


@pytest.mark.parametrize("culprit", [0, 1])
def test_an_error_reaches_the_caller_and_the_crew_goes_on(culprit: int) -> None:
    crew = Crew(2)
    both, working = threading.Barrier(2), set[int]()

    def fail(thread: int, part: slice) -> None:
        if thread not in working:
            working.add(thread)
            both.wait(timeout=10)  # the threads' first parts wait for each other, so both certainly work
        if thread == culprit:
            raise ValueError("planted")

    with pytest.raises(ValueError, match="planted"):
        crew.run(fail, 64)
    done: list[slice] = []
    crew.run(lambda thread, part: done.append(part), 64)
    assert sum(part.stop - part.start for part in done) == 64
    crew.close()


def test_threads_end_with_the_crew() -> None:
    before = set(threading.enumerate())  # others, whose crews may end at any time
    crew = Crew(3)
    crew.run(lambda thread, part: None, 10)
    helpers = set(threading.enumerate()) - before
    assert len(helpers) == 2
    del crew
    for helper in helpers:
        helper.join(timeout=10)
        assert not helper.is_alive()
