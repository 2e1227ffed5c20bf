"""What happens to robots on terrains: rewards, falls, success, and worlds that break."""

from __future__ import annotations

import numpy as np
import pytest

from metarl_bench.registry import SUITES, make_suite
from metarl_bench.worlds import Worlds
from metarl_suites.terrain.kinds import HELD_OUT, TRAINED
from metarl_suites.terrain.robots import CHEETAH
from metarl_suites.terrain.specs import CONTROL_COST, SCAN

BLIND, SIGHTED = "locomotion/terrain-cheetah-v1", "locomotion/terrain-cheetah-sighted-v1"
ANT = "locomotion/terrain-ant-v1"
LEVEL_AHEAD = CHEETAH.level[1]
IDS = [spec.id for spec in SUITES.all() if spec.id.startswith("locomotion/terrain-")]


def worlds_on(suite_id: str, *kinds: str, **params: float) -> Worlds:
    suite = make_suite(suite_id)
    values = {"height": 0.2, "length": 1.0, "friction": 0.8, "layout": 0.5} | params
    worlds = suite.make_worlds(len(kinds), num_threads=1)
    worlds.set_tasks([suite.task("train", index, kind=kind, **values) for index, kind in enumerate(kinds)])
    worlds.reset(seed=0)
    return worlds


# Columns of the cheetah's physics.
X, Z, PITCH, SPEED = 1, 2, 3, 10


def place(worlds: Worlds, columns: dict[int, float]) -> None:
    """Puts all worlds into a state."""
    state = worlds.snapshot()
    for column, value in columns.items():
        state["physics"][:, column] = value
    worlds.restore(state)


def test_the_reward_is_progress_upright_and_effort() -> None:
    worlds = worlds_on(BLIND, "waves", "ice")
    before = worlds.snapshot()["physics"][:, 1]
    _, rewards, terminated, _, _ = worlds.step(np.full((2, 6), 0.5))
    speeds = (worlds.snapshot()["physics"][:, 1] - before) / 0.05
    assert rewards == pytest.approx(speeds + 1.0 - CONTROL_COST * 6 * 0.25)
    assert not terminated.any()


def test_rolling_over_ends_the_episode_and_the_bonus() -> None:
    worlds = worlds_on(BLIND, "rubble")
    place(worlds, {PITCH: 1.4})
    before = worlds.snapshot()["physics"][:, 1]
    _, rewards, terminated, _, infos = worlds.step(np.zeros((1, 6)))
    assert terminated.all()
    assert not infos["invalid"].any()
    assert rewards == pytest.approx((worlds.snapshot()["physics"][:, 1] - before) / 0.05)


def test_falls_are_relative_to_the_ground() -> None:
    # On a slope of 0.2, the ground is 2.75 m lower there than at the start.
    worlds = worlds_on(BLIND, "slope-down", "slope-up")
    place(worlds, {X: 15.5, Z: -2.6, SPEED: 0.0})
    _, _, terminated, _, infos = worlds.step(np.zeros((2, 6)))
    assert terminated.tolist() == [False, True]
    assert infos["invalid"].tolist() == [False, True]  # it is deep below the slope that goes up
    assert infos["success"].tolist() == [True, False]


def test_breaking_the_simulator_never_scores() -> None:
    worlds = worlds_on(BLIND, "waves", "waves")
    state = worlds.snapshot()
    state["physics"][0, SPEED] = 1000.0
    state["physics"][1, 1:3] = 10.5, -5.0  # far along the track, below it
    worlds.restore(state)
    _, rewards, terminated, _, infos = worlds.step(np.zeros((2, 6)))
    assert infos["invalid"].all()
    assert terminated.all()
    assert not infos["success"].any()
    assert (rewards == worlds.suite.failure_return).all()


def test_success_is_a_distance() -> None:
    for x, expected in ((14.8, False), (15.2, True)):
        worlds = worlds_on(BLIND, "ice", height=0.0)
        place(worlds, {X: x, SPEED: 0.0})
        *_, infos = worlds.step(np.zeros((1, 6)))
        assert infos["success"].tolist() == [expected]


def test_an_ant_on_its_back_has_fallen() -> None:
    worlds = worlds_on(ANT, "ice", "ice", height=0.0)
    state = worlds.snapshot()
    state["physics"][0, 4:8] = 0.0, 1.0, 0.0, 0.0  # half a turn about x
    state["physics"][:, 3] = 0.7
    worlds.restore(state)
    _, _, terminated, _, _ = worlds.step(np.zeros((2, 8)))
    assert terminated.tolist() == [True, False]


def test_the_scan_shows_the_ground_ahead_and_the_blind_robot_does_not() -> None:
    worlds = worlds_on(SIGHTED, "stairs-up", length=0.5, height=0.1)
    place(worlds, {X: LEVEL_AHEAD + 1.1, Z: 0.3})
    observations = worlds.step(np.zeros((1, 6)))[0]
    x, z = worlds.snapshot()["physics"][0, 1:3]
    expected = [
        0.1 * (1 + np.floor((x + offset - LEVEL_AHEAD) / 0.5)) - z for offset in SCAN if x + offset > LEVEL_AHEAD
    ]
    assert observations[0, -len(expected) :] == pytest.approx(expected, abs=1e-6)
    assert make_suite(BLIND).spec.observation_space.shape == (16,)
    assert make_suite(SIGHTED).spec.observation_space.shape == (16 + len(SCAN),)


def test_blind_robots_feel_the_ground_and_see_nothing_of_it() -> None:
    """Where nothing is touched, two grounds give the same observations; further on they differ."""
    worlds = worlds_on(BLIND, "stairs-up", "stairs-down", height=0.1, length=0.5)
    state = worlds.snapshot()
    state["physics"][1] = state["physics"][0]
    state["physics"][:, 1:3] = 5.0, 3.0  # in the air
    worlds.restore(state)
    observations = worlds.step(np.zeros((2, 6)))[0]
    assert np.array_equal(observations[0], observations[1])
    for _ in range(30):
        observations = worlds.step(np.zeros((2, 6)))[0]
    assert not np.array_equal(observations[0], observations[1])


@pytest.mark.parametrize("suite_id", IDS)
def test_training_and_test_share_kinds_and_the_other_list_has_none_of_them(suite_id: str) -> None:
    suite = make_suite(suite_id)
    kinds = {split: {str(task["kind"]) for task in suite.tasks(split)} for split in ("validation", "test", "test_ood")}
    sampled = {str(task["kind"]) for task in suite.sample_tasks(200, np.random.default_rng(0))}
    assert kinds["validation"] == kinds["test"] == sampled == {kind.name for kind in TRAINED}
    assert kinds["test_ood"] == {kind.name for kind in HELD_OUT}


def test_a_batch_of_task_models_is_small() -> None:
    worlds = worlds_on(BLIND, "waves", "rubble", "slope-up")
    models = [worlds.scene(world)[0] for world in range(3)]
    assert len({id(model) for model in models}) == 3
    assert all(model.nbuffer < 100 * 1024 for model in models)
    assert all(model.ntex == 0 for model in models)
