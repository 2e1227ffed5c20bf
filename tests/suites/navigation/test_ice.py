"""Ice: where it lies, and what it does to cars that brake on it."""

from __future__ import annotations

import numpy as np
import pytest

from metarl_bench.registry import make_suite
from metarl_suites.navigation.grounds import STRIPE, WHEELS
from metarl_suites.navigation.ice import on_ice
from metarl_suites.navigation.worlds import DrivingWorlds
from tests.suites.navigation.library import USUAL, WEATHER, place, play, worlds_with

ICY = {"weather": "ice", "friction": 0.1}
BESIDE = 0.6  # friction between the patches
FIRST = (-12.0, -4.0)  # m along x; the first patch; the next begins a stripe farther


def frictions(worlds: DrivingWorlds, world: int = 0) -> list[float]:
    """Returns those of a world's four tyres: front left and right, rear left and right."""
    model, _ = worlds.scene(world)
    return [float(model.geom(wheel).friction[0]) for wheel in WHEELS]


def test_every_other_stripe_is_ice_and_the_start_is_not() -> None:
    middles = np.arange(-16.0, 140.0, STRIPE)
    assert on_ice(middles).tolist() == [False, True] * 10
    assert not on_ice(np.array([-200.0, -21.0, 0.0, 141.0, 200.0, np.nan])).any()
    assert on_ice(np.array([FIRST[0], FIRST[1] - 1e-9])).all()


def test_the_boxes_of_the_first_version_are_ice_where_the_tyres_of_the_second_are() -> None:
    suite = make_suite("navigation/drive-weather-v1")
    worlds = suite.make_worlds(1)
    worlds.set_tasks([next(task for task in suite.tasks("test") if task["weather"] == "ice")])
    model, _ = worlds.scene(0)
    stripes = np.flatnonzero((model.geom_contype == 1) & (model.geom_bodyid == 0))
    icy = model.geom_friction[stripes, 0] < BESIDE
    assert len(stripes) == 20
    assert icy.tolist() == on_ice(model.geom_pos[stripes, 0]).tolist()


@pytest.mark.parametrize(
    ("x", "heading", "expected"),
    [
        (0.0, 0.0, [BESIDE] * 4),
        (8.0, 0.0, [0.1] * 4),
        (3.5, 0.0, [0.1, 0.1, BESIDE, BESIDE]),  # the front wheels are 1.3 m ahead: at 4.8 m
        (3.5, np.pi, [BESIDE, BESIDE, 0.1, 0.1]),
        (4.0, 0.5 * np.pi, [BESIDE, 0.1, BESIDE, 0.1]),  # looks to the left: its right wheels are farther along x
    ],
)
def test_each_tyre_has_the_friction_of_where_it_is(x: float, heading: float, expected: list[float]) -> None:
    worlds = worlds_with(WEATHER, ICY)
    place(worlds, x, 0.0, heading)
    play(worlds, (0.0, 0.0), 1)
    assert frictions(worlds) == expected


def test_ice_is_where_it_is_in_one_world_alone_and_goes_with_its_task() -> None:
    worlds = worlds_with(WEATHER, ICY, ICY | {"friction": 0.12}, {"weather": "snow", "friction": 0.3}, {})
    place(worlds, 8.0, 0.0, 0.0)
    play(worlds, (0.0, 0.0), 1)
    assert [frictions(worlds, world) for world in range(4)] == [[0.1] * 4, [0.12] * 4, [0.3] * 4, [0.9] * 4]
    first, dry = np.array([True, False, False, False]), make_suite(WEATHER).task("train", 9, **USUAL[WEATHER])
    worlds.set_tasks([dry], first)
    worlds.reset(options={"reset_mask": first})
    place(worlds, 8.0, 0.0, 0.0)
    play(worlds, (0.0, 0.0), 1)
    assert frictions(worlds) == [0.9] * 4


def test_brakes_hold_on_ice_as_its_friction_says() -> None:
    worlds = worlds_with(WEATHER, ICY, {"weather": "wet", "friction": 0.6})
    place(worlds, 6.0, 0.0, 0.0, 6.0)
    play(worlds, (0.0, -1.0), 2)  # springs and brakes settle
    before = worlds.velocities[:, 0]
    play(worlds, (0.0, -1.0), 3)
    on, beside = (before - worlds.velocities[:, 0]) / 0.3
    assert on == pytest.approx(0.1 * 9.81, rel=0.15)
    assert beside == pytest.approx(0.6 * 9.81, rel=0.15)


def test_a_car_on_ice_goes_on_from_a_snapshot_bit_for_bit() -> None:
    actions = np.random.default_rng(0).uniform((-0.5, 0.3), (0.5, 1.0), (60, 1, 2))
    worlds, again = worlds_with(WEATHER, ICY), worlds_with(WEATHER, ICY)
    for action in actions[:40]:
        worlds.step(action)
    again.restore(worlds.snapshot())
    seen = []
    for action in actions[40:]:
        ours, theirs = worlds.step(action)[0], again.step(action)[0]
        assert np.array_equal(ours, theirs)
        seen.append(frictions(worlds))
    assert len({tuple(row) for row in seen}) > 1  # it came onto ice, or off it
