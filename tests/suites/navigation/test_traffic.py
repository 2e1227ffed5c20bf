"""Other cars: what they do, what passing and ramming them brings, and who can pass."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest

from metarl_bench.registry import make_suite
from metarl_suites.navigation.kinds import DRIVERS, OTHER_DRIVERS_V2
from metarl_suites.navigation.maps import FREE, LANE
from metarl_suites.navigation.plans import habits
from metarl_suites.navigation.specs import COLLISION, HORIZON, PROGRESS, REACHED
from metarl_suites.navigation.traffic import HALF_LENGTH, HALF_WIDTH, KEEP, ROOM
from metarl_suites.navigation.worlds import DrivingWorlds
from tests.suites.navigation.library import TRAFFIC, driven, place, play, worlds_with

HABITS = [kind.name for kind in OTHER_DRIVERS_V2]
TRAINED = [kind.name for kind in DRIVERS]
# Columns of the other cars' physics: x and y of each.
PLACES, SPEEDS = slice(18, 26), slice(42, 50)


def put_others(worlds: DrivingWorlds, x: float, y: float, speed: float) -> None:
    """Puts the first of the others somewhere, and the rest far ahead."""
    state = worlds.snapshot()
    state["physics"][:, PLACES] = x, y, 110.0, 0.0, 116.0, 0.0, 122.0, 0.0
    state["physics"][:, SPEEDS] = speed, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    worlds.restore(state)


def meeting(
    *habits: str, me: tuple[float, float, float], other: tuple[float, float], heading: float = 0.0
) -> DrivingWorlds:
    """Returns worlds with these habits: the car (x, y, speed) and the first of the others (x, y)."""
    worlds = worlds_with(TRAFFIC, *({"habit": habit} for habit in habits))
    place(worlds, me[0], me[1], heading, me[2])
    put_others(worlds, *other, 2.0)
    return worlds


def test_starts_do_not_tell_the_habits() -> None:
    suite = make_suite(TRAFFIC)
    tasks = [*suite.tasks("test")[:8], *suite.tasks("test_ood")[:5]]
    worlds = suite.make_worlds(len(tasks), num_threads=1)
    worlds.set_tasks(tasks)
    for seed in (3, 4):
        observations, _ = worlds.reset(seed=[seed] * len(tasks))
        physics = worlds.snapshot()["physics"]
        assert (observations == observations[0]).all()
        assert (physics == physics[0]).all()
    other = worlds.reset(seed=[5] * len(tasks)), worlds.snapshot()["physics"]
    assert (other[1][:, PLACES] != physics[:, PLACES]).any(axis=1).all()


def test_others_keep_to_their_side_and_their_speed_while_nobody_passes() -> None:
    worlds = worlds_with(TRAFFIC, *({"habit": habit} for habit in HABITS))
    play(worlds, (0.0, 0.0), 60)
    for name, cars in zip(HABITS, worlds.cars[:, 1:], strict=True):
        assert cars[:, 1] == pytest.approx(habits(name, 2.0, 9.0).home, abs=0.05)
        assert cars[:, 2] == pytest.approx(2.0, abs=0.05)


@pytest.mark.parametrize("lane", [-LANE, 0.0, LANE])
def test_who_yields_makes_room_and_who_blocks_comes_in_front(lane: float) -> None:
    """Followed at a distance of 9 m in each lane; who yields goes to one side, who blocks leaves one lane free."""
    worlds = meeting(*HABITS, me=(20.0, lane, 2.0), other=(33.0, 0.0))
    play(worlds, (0.0, 0.18), 30)
    left = LANE * np.sign([habits(name, 2.0, 9.0).home for name in HABITS])
    expected = {
        "yields": left,
        "blocks": np.clip(lane, np.minimum(-left, 0.0), np.maximum(-left, 0.0)),
        "mirrors": np.full(len(HABITS), lane),
    }
    assert np.abs(worlds.places[:, 1] - lane).max() < 0.3
    for world, name in enumerate(HABITS):
        manner = name.split("_")[0]
        wanted = expected[manner][world] if lane else habits(name, 2.0, 9.0).home  # nobody passes in the middle
        assert worlds.cars[world, 1, 1] == pytest.approx(wanted, abs=0.3), name


def test_pulling_out_late_passes_those_who_yield_and_nobody_who_blocks() -> None:
    """At 10 m/s from 7 m behind, with as sharp a turn as tyres hold, to the right of who drives on the left."""
    worlds = meeting("yields_left", "blocks_left", me=(20.0, 0.0, 10.0), other=(31.0, 0.6))
    before = worlds.left
    total = sum(play(worlds, (steer, 0.3), steps) for steer, steps in ((-0.3, 4), (0.3, 4), (0.0, 9)))
    cost = PROGRESS * (before - worlds.left) - total
    assert cost[0] == pytest.approx(0.0, abs=1e-3)
    assert worlds.places[0, 0] > worlds.cars[0, 1, 0]
    assert cost[1] > 0.4
    assert worlds.places[1, 0] < worlds.cars[1, 1, 0] - HALF_LENGTH


def test_others_mind_only_who_is_near() -> None:
    far, near = (meeting("mirrors", me=(20.0, 2.0, 2.0), other=(24.0 + room, 0.0)) for room in (13.0, 11.0))
    for worlds in (far, near):
        play(worlds, (0.0, 0.1), 5)
    assert abs(far.cars[0, 1, 1]) < 0.05
    assert near.cars[0, 1, 1] > 0.3


def test_others_never_swing_into_who_is_beside_them() -> None:
    worlds = meeting("yields_left", "blocks_right", "mirrors", me=(30.0, 3.2, 2.0), other=(30.0, 1.1))
    before = worlds.left
    total = play(worlds, (0.0, 0.18), 20)
    assert total == pytest.approx(PROGRESS * (before - worlds.left), abs=1e-3)
    assert worlds.cars[:, 1, 1] == pytest.approx(np.minimum(1.1, 3.2 - ROOM), abs=0.15)


def test_others_wait_behind_those_who_stand_in_their_way_and_at_the_end_of_the_road() -> None:
    worlds = worlds_with(TRAFFIC, {"habit": "mirrors", "speed": 5.0})
    place(worlds, 90.0, 0.0, 0.0)
    put_others(worlds, 60.0, 0.0, 5.0)
    total = play(worlds, (0.0, 0.0), 120)
    cars = worlds.cars[0]
    assert total == pytest.approx(0.0, abs=1e-3)
    assert np.abs(cars[:, 2]).max() < 0.1
    assert cars[1, 0] == pytest.approx(90.0 - 2.0 * HALF_LENGTH - KEEP, abs=0.1)
    assert (cars[2:, 0] < FREE[1][0] - HALF_LENGTH).all()
    assert np.diff(cars[2:, 0]).min() > 2.0 * HALF_LENGTH + 1.0


@pytest.mark.parametrize("speed", [6.0, 11.0, 17.0])
@pytest.mark.parametrize("aside", [0.0, 0.9, -1.6])
def test_ramming_costs_and_nobody_gains_energy_or_passes_through(speed: float, aside: float) -> None:
    worlds = meeting("mirrors", me=(22.0, aside, speed), other=(27.0, 0.0))
    before, total, energies = worlds.left, 0.0, []
    for _ in range(10):
        total += play(worlds, (0.0, 0.0), 1)[0]
        model, data = worlds.scene(0)
        mujoco.mj_energyVel(model, data)
        energies.append(float(data.energy[1]))
        assert worlds.cars[0, 1, 0] - worlds.cars[0, 0, 0] > 2.0 * HALF_LENGTH - 0.5
        assert 1.0 - 2.0 * (data.qpos[4:6] ** 2).sum() > 0.95
    # Half of the difference goes to the other, and its tyres take that.
    cost = PROGRESS * (before - worlds.left)[0] - total
    assert cost > COLLISION * 0.5 * (speed - 2.0)
    assert np.max(energies) < 0.5 * 1200.0 * (speed**2 + 2.0**2) * 1.15  # wheels roll
    assert worlds.velocities[0, 0] > -0.5


def test_pushing_pays_less_than_following() -> None:
    pushing, following = (meeting("mirrors", me=(20.0, 0.0, 2.0), other=(24.5 + room, 0.0)) for room in (0.0, 3.0))
    assert play(pushing, (0.0, 1.0), 60) < play(following, (0.0, 0.15), 60) - 0.5
    assert pushing.cars[0, 1, 2] < 3.5


@pytest.mark.parametrize("name", [*TRAINED, "mirrors"])
def test_wild_driving_moves_no_car_through_another_or_a_rail(name: str) -> None:
    rng = np.random.default_rng(0)
    worlds = worlds_with(TRAFFIC, *({"habit": name} for _ in range(6)))
    for _ in range(HORIZON // 5):
        action = np.stack([rng.uniform(-0.4, 0.4, 6), rng.uniform(0.0, 1.0, 6)], axis=1)
        for _ in range(5):
            *_, infos = worlds.step(action)
            assert not infos["invalid"].any()
            cars = worlds.cars
            assert np.abs(cars[..., 1]).max() < FREE[1][1] - HALF_WIDTH + 0.4
            ahead, aside = (np.abs(cars[:, 2:, place] - cars[:, 1:-1, place]) for place in (0, 1))
            assert ((ahead > 2.0 * HALF_LENGTH - 0.3) | (aside > 2.0 * HALF_WIDTH - 0.3)).all()


def test_nobody_passes_the_destination_by() -> None:
    assert FREE[1][1] - HALF_WIDTH < REACHED


def test_a_driver_who_takes_the_others_for_different_ones_does_not_arrive() -> None:
    suite = make_suite(TRAFFIC)
    tasks = suite.tasks("test")[:8]
    worlds = suite.make_worlds(8, num_threads=1)
    assert isinstance(worlds, DrivingWorlds)
    for other in ({"yields": "blocks", "blocks": "yields"}, {"left": "right", "right": "left"}):
        worlds.set_tasks(tasks)
        worlds.reset(seed=1)
        believed = []
        for task, plan in zip(tasks, worlds.plans, strict=True):
            name = "_".join(other.get(part, part) for part in str(task["habit"]).split("_"))
            believed.append(plan._replace(habits=habits(name, plan.habits.speed, plan.habits.gap)))
        returns, arrived = driven(worlds, believed)
        assert arrived.mean() < 0.2
        assert returns.mean() < 10.0
