"""The toy suites: their task lists, rewards and known optimum."""

import math
from typing import cast

import numpy as np
import pytest

from metarl_bench.registry import make_suite
from metarl_bench.tasks import Split, hash_tasks
from metarl_bench.testing import random_return
from metarl_suites.toy.optimum import expert_return, optimal_return
from metarl_suites.toy.suite import PointSuite

DENSE = "toy/point-robot-v1"
SPARSE = "toy/sparse-point-robot-v1"

# A list never changes: new numbers need a new version of the suite.
HASHES: dict[tuple[str, Split], str] = {
    (DENSE, "validation"): "2c90e236259da27df497c2013342642442cb9b7351b62bc138dfbd84dc8c239e",
    (DENSE, "test"): "aaa4939940d6475bfed1c16e9ab97aeadedf6ecf05bbfdc59d0ca6875ab021c6",
    (DENSE, "test_ood"): "827d5d28796043fb6a1a374acbb39d8bc80b530c042509cb66d6f20496fa5b7f",
    (SPARSE, "validation"): "e52a4a61f076c01d0dda5fb7e288ef104595a4524ed3d0c82b47914f04892746",
    (SPARSE, "test"): "50867826890aa300d8976dbb48c0b027aed3a02554cfaf0eb6f8d2c5e7d6a88b",
    (SPARSE, "test_ood"): "e73967fd86171b064e6764145e39de177d00a707ac4c48f0744034e44da8de2a",
}


def toy(suite_id: str) -> PointSuite:
    return cast(PointSuite, make_suite(suite_id))


def play_towards_goals(suite: PointSuite, split: Split) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns starts, returns and the number of successful steps of greedy play, one world a task."""
    tasks = suite.tasks(split)
    worlds = suite.make_worlds(len(tasks))
    worlds.set_tasks(tasks)
    positions, _ = worlds.reset(seed=7)
    starts, goals = positions.copy(), np.array([worlds.goal(task) for task in tasks])
    returns, successes = np.zeros(len(tasks)), np.zeros(len(tasks))
    for _ in range(suite.spec.horizon):
        positions, rewards, _, _, infos = worlds.step((goals - positions) / 0.1)
        returns += rewards
        successes += infos["success"]
    return starts, returns, successes


@pytest.mark.parametrize(("suite_id", "split"), HASHES)
def test_frozen_lists_never_change(suite_id: str, split: Split) -> None:
    tasks = make_suite(suite_id).tasks(split)

    assert len(tasks) == 30
    assert hash_tasks(tasks) == HASHES[suite_id, split]


@pytest.mark.parametrize("suite_id", [DENSE, SPARSE])
@pytest.mark.parametrize("split", ["test", "test_ood"])
def test_greedy_play_in_the_simulator_reaches_the_analytic_optimum(suite_id: str, split: Split) -> None:
    suite = toy(suite_id)

    starts, returns, successes = play_towards_goals(suite, split)

    optima = [optimal_return(suite, task, start) for task, start in zip(suite.tasks(split), starts, strict=True)]
    np.testing.assert_allclose(returns, optima, atol=1e-4)
    assert (successes > 0).all() or split == "test_ood"


@pytest.mark.parametrize("suite_id", [DENSE, SPARSE])
def test_random_play_stays_below_the_optimum_and_above_the_failure_return(suite_id: str) -> None:
    suite = toy(suite_id)

    low = random_return(suite_id, episodes=5)

    assert suite.spec.failure_return < low < expert_return(suite, episodes=1)


@pytest.mark.parametrize(("suite_id", "episodes"), [(DENSE, 200), (SPARSE, 1)])
def test_the_expert_reference_is_the_analytic_optimum(suite_id: str, episodes: int) -> None:
    references = make_suite(suite_id).spec.references

    assert references is not None
    assert references.expert == pytest.approx(expert_return(toy(suite_id), episodes=episodes), rel=1e-2)


@pytest.mark.parametrize("suite_id", [DENSE, SPARSE])
def test_the_random_reference_is_what_random_play_gets(suite_id: str) -> None:
    references = make_suite(suite_id).spec.references

    assert references is not None
    # 3000 episodes: a standard error of about 0.2 of 21 (dense) and 0.02 (sparse).
    assert random_return(suite_id, episodes=100) == pytest.approx(references.random, rel=0.04, abs=0.08)


def test_the_farthest_flight_from_a_goal_stays_above_the_failure_return() -> None:
    suite = toy(DENSE)
    farthest = 2.5 + 0.1 * np.arange(1, suite.spec.horizon + 1)

    assert suite.spec.failure_return < -math.sqrt(2.0) * farthest.sum()


def test_dense_reward_is_minus_the_distance_after_the_move() -> None:
    suite = toy(DENSE)
    worlds = suite.make_worlds(1)
    worlds.set_tasks([suite.task("train", 0, goal_x=0.3, goal_y=-0.2)])
    before, _ = worlds.reset(seed=1)

    after, rewards, terminated, truncated, _ = worlds.step(np.array([[1.0, -0.5]]))

    np.testing.assert_allclose(after - before, [[0.1, -0.05]], atol=1e-6)
    np.testing.assert_allclose(rewards, -np.hypot(after[:, 0] - 0.3, after[:, 1] + 0.2), atol=1e-6)
    assert not terminated.any()
    assert not truncated.any()


def test_sparse_reward_is_paid_inside_the_radius_only() -> None:
    suite = toy(SPARSE)
    worlds = suite.make_worlds(1)
    worlds.set_tasks([suite.task("train", 0, angle=0.0)])
    worlds.reset(seed=1)
    rewards, successes = [], []
    for _ in range(9):
        _, reward, _, _, infos = worlds.step(np.array([[0.95, 0.0]]))
        rewards.append(reward[0])
        successes.append(bool(infos["success"][0]))

    # 0.24 m are left after eight moves and 0.145 m after nine.
    np.testing.assert_allclose(rewards, [0.0] * 8 + [0.855], atol=1e-9)
    assert successes == [False] * 8 + [True]


@pytest.mark.parametrize("split", ["validation", "test", "test_ood"])
def test_no_sparse_task_is_solved_by_standing_still(split: Split) -> None:
    suite = toy(SPARSE)
    worlds = suite.make_worlds(len(suite.tasks(split)))
    worlds.set_tasks(suite.tasks(split))
    worlds.reset(seed=7)
    for _ in range(suite.spec.horizon):
        *_, infos = worlds.step(np.zeros((worlds.num_envs, 2)))
        assert not infos["success"].any()


def test_episodes_last_exactly_the_horizon() -> None:
    suite = toy(DENSE)
    worlds = suite.make_worlds(2)
    worlds.set_tasks(suite.tasks("test")[:2])
    worlds.reset(seed=3)

    ends = [worlds.step(np.zeros((2, 2)))[3].tolist() for _ in range(suite.spec.horizon)]

    assert ends == [[False, False]] * 19 + [[True, True]]
