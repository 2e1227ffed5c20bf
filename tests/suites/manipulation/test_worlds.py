"""What the worlds add to Meta-World: batches, failures, flags."""

from __future__ import annotations

import numpy as np
import pytest

from metarl_bench.registry import make_suite
from metarl_bench.simulator_log import simulator_warnings
from metarl_suites.manipulation.experts import expert_actions

pytestmark = pytest.mark.filterwarnings("ignore:Constant")


def test_a_world_that_breaks_fails_and_its_neighbours_go_on() -> None:
    suite = make_suite("manipulation/ml1-push-v1")
    broken, whole = (suite.make_worlds(3, num_threads=1) for _ in range(2))
    for worlds in (broken, whole):
        worlds.set_tasks(suite.tasks("test")[:3])
        worlds.reset(seed=0)
    state = broken.snapshot()
    state["physics"][1, 20] = np.nan
    broken.restore(state)
    actions = np.full((3, 4), 0.5)
    with simulator_warnings(None):
        observations, rewards, terminated, _, infos = broken.step(actions)
    expected, expected_rewards, *_ = whole.step(actions)
    assert infos["invalid"].tolist() == [False, True, False]
    assert terminated.tolist() == [False, True, False]
    assert rewards[1] == suite.spec.failure_return
    assert np.isfinite(observations).all()
    assert np.array_equal(observations[[0, 2]], expected[[0, 2]])
    assert np.array_equal(rewards[[0, 2]], expected_rewards[[0, 2]])


def test_success_is_told_for_each_step_and_ends_no_episode() -> None:
    suite = make_suite("manipulation/ml1-reach-v1")
    worlds = suite.make_worlds(2, num_threads=1)
    worlds.set_tasks(suite.tasks("test")[:2])
    worlds.reset(seed=0)
    successes = []
    for step in range(500):
        # The second world's expert leaves again.
        actions = expert_actions(worlds) * np.array([[1.0], [1.0 if step < 200 else -1.0]])
        _, _, terminated, truncated, infos = worlds.step(actions)
        successes.append(infos["success"])
        assert truncated.tolist() == [step == 499] * 2
        assert not terminated.any()
    assert np.any(successes, axis=0).tolist() == [True, True]
    assert successes[-1].tolist() == [True, False]


def test_actions_are_rounded_to_float32() -> None:
    suite = make_suite("manipulation/ml1-push-v1")
    worlds = suite.make_worlds(2, num_threads=1)
    worlds.set_tasks([suite.tasks("test")[0]] * 2)
    worlds.reset(seed=0)
    exact = np.array([0.1, -0.2, 0.3, 0.7])
    observations, rewards, *_ = worlds.step(np.stack([exact, exact.astype(np.float32)]))
    assert np.array_equal(observations[0], observations[1])
    assert rewards[0] == rewards[1]
