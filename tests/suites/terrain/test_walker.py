"""The walker on terrains: the only robot that stands where its ground begins, and that topples by itself."""

from __future__ import annotations

import numpy as np
import pytest

from metarl_bench.registry import make_suite
from metarl_bench.tasks import Suite
from metarl_bench.worlds import Worlds
from metarl_suites.terrain.grounds import Ground, heights, pieces, table
from metarl_suites.terrain.kinds import HELD_OUT, TRAINED
from metarl_suites.terrain.robots import SIGHTED_WALKER, WALKER, Runner
from metarl_suites.terrain.specs import CONTROL_COST, SCAN

SUITE = make_suite("locomotion/terrain-walker-v1")
SIGHTED = make_suite("locomotion/terrain-walker-sighted-v1")
# Columns of its physics.
X, Z, PITCH, SPEED = 1, 2, 3, 10
STEP_S = 0.02


def worlds_on(*kinds: str, seed: int = 0, suite: Suite = SUITE, **params: float) -> Worlds:
    values = {"height": 0.2, "length": 1.0, "friction": 0.8, "layout": 0.5} | params
    worlds = suite.make_worlds(len(kinds), num_threads=1)
    worlds.set_tasks([suite.task("train", index, kind=kind, **values) for index, kind in enumerate(kinds)])
    worlds.reset(seed=[seed] * len(kinds))
    return worlds


def place(worlds: Worlds, column: int, *values: float) -> None:
    """Puts each world into a state."""
    state = worlds.snapshot()
    state["physics"][:, column] = values
    worlds.restore(state)


def test_the_reward_is_progress_upright_and_effort() -> None:
    worlds = worlds_on("waves", "ice")
    before = worlds.snapshot()["physics"][:, X]
    _, rewards, terminated, _, _ = worlds.step(np.full((2, 6), 0.5))
    speeds = (worlds.snapshot()["physics"][:, X] - before) / STEP_S
    assert rewards == pytest.approx(speeds + 1.0 - CONTROL_COST * 6 * 0.25)
    assert not terminated.any()


def test_it_topples_wherever_nothing_keeps_it_up_and_loses_the_rest_of_the_bonus() -> None:
    names = [kind.name for kind in (*TRAINED, *HELD_OUT)]
    worlds = worlds_on(*names)
    total, steps = np.zeros(len(names)), np.zeros(len(names))
    for _ in range(SUITE.spec.horizon):
        _, rewards, terminated, _, infos = worlds.step(np.zeros((len(names), 6)))
        total += rewards
        steps += infos["active"]
    assert terminated.all()
    assert not infos["success"].any()
    assert (total < 0.5 * SUITE.spec.horizon).all()


def test_it_falls_by_pitch_and_by_height() -> None:
    for column, values in ((PITCH, (-1.1, -0.5, 0.5, 1.1)), (Z, (0.6, 1.0, 1.5, 2.2))):
        worlds = worlds_on(*["ice"] * 4, height=0.0)
        place(worlds, column, *values)
        _, _, terminated, _, infos = worlds.step(np.zeros((4, 6)))
        assert terminated.tolist() == [True, False, False, True]
        assert not infos["invalid"].any()


def test_heights_are_over_the_ground() -> None:
    # 3 m along a slope of 0.2, the ground is half a metre off the level of the start.
    worlds = worlds_on("slope-down", "slope-up", "slope-up")
    place(worlds, X, 3.0, 3.0, 3.0)
    place(worlds, Z, 0.65, 1.0, 2.3)
    _, _, terminated, _, _ = worlds.step(np.zeros((3, 6)))
    assert terminated.tolist() == [False, True, False]


def test_success_is_five_metres() -> None:
    worlds = worlds_on("ice", "ice", height=0.0)
    place(worlds, X, 4.9, 5.1)
    *_, infos = worlds.step(np.zeros((2, 6)))
    assert infos["success"].tolist() == [False, True]


def test_going_faster_than_any_walker_breaks_the_world() -> None:
    worlds = worlds_on("waves", "waves")
    place(worlds, SPEED, 0.0, 100.0)
    _, rewards, terminated, _, infos = worlds.step(np.zeros((2, 6)))
    assert infos["invalid"].tolist() == terminated.tolist() == [False, True]
    assert rewards[1] == SUITE.spec.failure_return


def test_the_shape_of_its_start_tells_nothing_but_soon_it_feels_the_ground() -> None:
    worlds = worlds_on("slope-up", "stairs-up", "rubble")
    first = worlds.reset(seed=[3] * 3)[0]
    assert (first == first[0]).all()
    for _ in range(60):
        observations = worlds.step(np.full((3, 6), 0.3))[0]
    assert len({row.tobytes() for row in observations}) == 3


def test_what_a_sighted_one_scans_is_level_from_the_start_until_it_moves() -> None:
    """On the blind one's grounds, the scan would tell the task at once; on its own it does when the robot topples."""
    assert not level_under_the_scan(WALKER)
    assert level_under_the_scan(SIGHTED_WALKER)
    worlds = worlds_on("slope-up", "stairs-up", "hurdles", suite=SIGHTED)
    seen = worlds.reset(seed=[3] * 3)[0][:, -len(SCAN) :]
    assert (seen == seen[0]).all()
    for _ in range(60):
        seen = worlds.step(np.full((3, 6), 0.3))[0][:, -len(SCAN) :]
    assert len({row.tobytes() for row in seen}) == 3


def level_under_the_scan(runner: Runner) -> bool:
    """Returns whether no ground rises or falls where the robot sees it at the start, wherever its noise puts it."""
    noise = runner.body.noise
    places = np.array([SCAN[0] - noise, *SCAN, SCAN[-1] + noise])[:, np.newaxis]
    grounds = [Ground(kind, 0.2, 1.0, 0.8, 0.5) for kind in ("slope-up", "slope-down", "stairs-up")]
    return not any(heights(table(pieces(ground, runner.level))[..., np.newaxis], places).any() for ground in grounds)
