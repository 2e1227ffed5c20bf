"""The random reference of a suite, measured the same way for all of them."""

from __future__ import annotations

from metarl_bench import seeding
from metarl_bench.registry import make_suite


def random_return(suite_id: str, *, episodes: int) -> float:
    """Returns the mean return of uniformly random actions over the test tasks.

    Args:
        suite_id: Id of the suite.
        episodes: Episodes of each test task.
    """
    suite = make_suite(suite_id)
    tasks = suite.tasks("test")
    worlds = suite.make_worlds(len(tasks))
    worlds.set_tasks(tasks)
    rng = seeding.generator("random reference", suite_id)
    low, high = suite.spec.action_space.low, suite.spec.action_space.high
    total = 0.0
    for episode in range(episodes):
        worlds.reset(seed=[seeding.world_seed("random reference", suite_id, episode, i) for i in range(len(tasks))])
        for _ in range(suite.spec.horizon):
            _, rewards, *_ = worlds.step(rng.uniform(low, high, (len(tasks), *low.shape)))
            total += float(rewards.sum())
    worlds.close()
    return total / (episodes * len(tasks))
