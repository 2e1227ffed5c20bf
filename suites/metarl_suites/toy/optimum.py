"""The best possible returns of the toy suites, in closed form."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from metarl_bench import seeding
from metarl_bench.tasks import Task
from metarl_suites.toy.suite import PointSuite
from metarl_suites.toy.worlds import STEP


def optimal_return(suite: PointSuite, task: Task, start: NDArray[np.float64]) -> float:
    """Returns the highest return of an episode for who knows the goal.

    Moving each axis towards the goal at full speed minimises the distance at every step at once, so no other path is
    better as long as the reward falls with the distance.

    Args:
        suite: A toy suite.
        task: One of its tasks.
        start: Position [2] in which the episode starts, metres.
    """
    times = np.arange(1, suite.spec.horizon + 1)[:, None]
    left = np.maximum(np.abs(np.array(suite.worlds.goal(task)) - start) - STEP * times, 0.0)
    return float(suite.worlds.reward(np.linalg.norm(left, axis=1)).sum())


def expert_return(suite: PointSuite, *, episodes: int) -> float:
    """Returns the mean optimal return over the test tasks, ``episodes`` starts each: the suite's expert reference."""
    tasks = suite.tasks("test")
    worlds = suite.make_worlds(len(tasks))
    worlds.set_tasks(tasks)
    returns = []
    for episode in range(episodes):
        starts, _ = worlds.reset(seed=[seeding.world_seed("expert", episode, i) for i in range(len(tasks))])
        returns += [optimal_return(suite, task, start) for task, start in zip(tasks, starts, strict=True)]
    return float(np.mean(returns))
