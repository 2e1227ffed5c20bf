"""What cars sense, what they earn, and who can arrive."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest

from metarl_bench.registry import make_suite
from metarl_bench.tasks import Task
from metarl_suites.navigation.plans import SIGHT, Plan
from metarl_suites.navigation.rays import ANGLES
from metarl_suites.navigation.specs import ARRIVAL, COLLISION, HORIZON, PROGRESS
from metarl_suites.navigation.worlds import DrivingWorlds
from tests.suites.navigation.library import SPEED, TRAFFIC, VEHICLE, WEATHER, driven, place, play, worlds_with


def test_steering_goes_where_the_task_says() -> None:
    gains = (1.0, 0.6, -1.0)
    worlds = worlds_with(VEHICLE, *({"steering": gain} for gain in gains))
    place(worlds, 0.0, 0.0, 0.0, 4.0)
    play(worlds, (0.4, 0.3), 8)
    usual, weaker, mirrored = worlds.velocities[:, 2]
    assert mirrored == pytest.approx(-usual, rel=0.05)
    assert 0.4 * usual < weaker < 0.8 * usual


def test_actions_arrive_after_their_delay() -> None:
    worlds = worlds_with(VEHICLE, *({"delay": delay} for delay in (0.0, 0.1, 0.3)))
    firsts = np.zeros(3)
    for step in range(6):
        worlds.step(np.array([[0.0, 1.0]] * 3))
        firsts[(firsts == 0) & (worlds.velocities[:, 0] > 0.1)] = step + 1
    assert firsts.tolist() == [1.0, 2.0, 4.0]


def test_negative_throttle_brakes_and_then_reverses() -> None:
    worlds = worlds_with(VEHICLE, {})
    place(worlds, 10.0, 0.0, 0.0, 8.0)
    speeds = []
    for _ in range(40):
        play(worlds, (0.0, -1.0), 1)
        speeds.append(worlds.velocities[0, 0])
    assert np.diff(speeds[:9]).max() < -0.3  # about 8 m/s2
    assert min(speeds[:12]) > -1.0
    assert speeds[-1] < -2.0


@pytest.mark.parametrize(
    ("suite_id", "changes"),
    [
        (VEHICLE, ({"layout": 0.1}, {"layout": 0.7}, {"layout": 0.9})),
        (TRAFFIC, ({}, {"habit": "blocks_left"}, {"habit": "yields_right"})),
    ],
)
def test_rays_are_those_of_mujoco(suite_id: str, changes: tuple[dict[str, float | str], ...]) -> None:
    worlds = worlds_with(suite_id, *changes)
    rng = np.random.default_rng(0)
    compared = 0
    for _ in range(60):
        worlds.step(np.stack([0.5 * rng.uniform(-1.0, 1.0, 3), rng.uniform(0.0, 1.0, 3)], axis=1))
        found = worlds._ranges
        for world in range(3):
            model, data = worlds.scene(world)
            x, y = worlds.places[world]
            angles = worlds.headings[world] + ANGLES
            for ray, angle in enumerate(angles):
                start = np.array([x, y, 0.95])  # over the chassis' middle and below the walls' top
                geom = np.zeros(1, np.int32)
                direction = np.array([np.cos(angle), np.sin(angle), 0.0])
                expected = mujoco.mj_ray(model, data, start, direction, None, 1, model.body("car").id, geom)
                expected = SIGHT if expected < 0.0 else min(expected, SIGHT)
                assert found[world, ray] == pytest.approx(expected, abs=1e-3)
                compared += expected < SIGHT
    assert compared > 1000


def test_fog_hides_what_is_far_and_noise_blurs_what_is_near() -> None:
    worlds = worlds_with(WEATHER, {}, {"visibility": 8.0}, {"noise": 0.2})
    clear, foggy, noisy = [], [], []
    for _ in range(40):
        worlds.step(np.array([[0.0, 0.0]] * 3))
        one, two, three = worlds._ranges
        clear.append(one), foggy.append(two), noisy.append(three)
    clear, foggy, noisy = np.array(clear), np.array(foggy), np.array(noisy)
    near = clear < 8.0 - 1e-6
    assert near.any()
    assert foggy[near] == pytest.approx(clear[near], rel=1e-3)
    assert (foggy[clear > 8.1] == SIGHT).all()
    errors = noisy[clear < 16.0] / clear[clear < 16.0] - 1.0
    assert 0.15 < np.abs(errors).max() <= 0.2 + 1e-3
    assert abs(errors.mean()) < 0.03


def test_wind_pushes() -> None:
    worlds = worlds_with(WEATHER, {}, {"wind": 20.0, "direction": 1.570796, "friction": 0.1, "weather": "wet"})
    place(worlds, 6.0, -2.0, 0.0)
    play(worlds, (0.0, 0.0), 30)
    assert worlds.places[0, 1] == pytest.approx(-2.0, abs=0.02)
    assert worlds.places[1, 1] > -1.8


def test_the_reward_is_progress_arrival_and_collisions() -> None:
    worlds = worlds_with(VEHICLE, {})
    place(worlds, 8.0, 0.0, 0.0, 6.0)
    before = worlds.left
    _, rewards, _, _, _ = worlds.step(np.array([[0.0, 0.5]]))
    assert rewards == pytest.approx(PROGRESS * (before - worlds.left))
    assert before - worlds.left == pytest.approx(0.6, abs=0.05)
    # A crash into the rail from 5 m/s costs what the speed was.
    place(worlds, 8.0, 0.0, 1.570796, 5.0)
    total = play(worlds, (0.0, -0.1), 12)
    assert total == pytest.approx(-COLLISION * 5.0, rel=0.25)


def test_arriving_ends_the_episode_and_pays_for_the_time_that_is_left() -> None:
    worlds = worlds_with(VEHICLE, {})
    x, y = worlds.charts.goals[0]
    heading = float(np.arctan2(*(worlds.charts.goals[0] - worlds.charts.routes[0, -3])[::-1]))
    place(worlds, x - 4.2 * np.cos(heading), y - 4.2 * np.sin(heading), heading, 6.0)
    _, rewards, terminated, _, infos = worlds.step(np.array([[0.0, 0.0]]))
    assert terminated.all()
    assert infos["success"].all()
    assert rewards[0] == pytest.approx(ARRIVAL * (2.0 - 1.0 / HORIZON), abs=0.1)


def test_breaking_the_simulator_never_scores() -> None:
    worlds = worlds_with(VEHICLE, {}, {})
    state = worlds.snapshot()
    state["physics"][0, SPEED] = 1000.0
    state["physics"][1, SPEED + 1] = np.nan
    worlds.restore(state)
    observations, rewards, terminated, _, infos = worlds.step(np.zeros((2, 2)))
    assert infos["invalid"].all()
    assert terminated.all()
    assert not infos["success"].any()
    assert (rewards == worlds.suite.failure_return).all()
    assert np.isfinite(observations).all()


def test_a_driver_who_takes_every_car_for_the_usual_one_does_not() -> None:
    suite = make_suite(VEHICLE)
    worlds = suite.make_worlds(10, num_threads=1)
    assert isinstance(worlds, DrivingWorlds)
    worlds.set_tasks(suite.tasks("test")[:10])
    worlds.reset(seed=1)
    believed = [Plan(plan.map) for plan in worlds.plans]
    returns, arrived = driven(worlds, believed)
    assert arrived.mean() < 0.6
    assert returns.mean() < 10.0


def test_a_task_is_the_same_whatever_was_driven_before() -> None:
    suite = make_suite(WEATHER)
    tasks: tuple[Task, ...] = suite.tasks("test")[:2]
    worlds = suite.make_worlds(1, num_threads=1)
    assert isinstance(worlds, DrivingWorlds)
    models = []
    for task in (tasks[0], tasks[1], tasks[0]):
        worlds.set_tasks([task])
        models.append(worlds.scene(0)[0])
    for name in ("geom_pos", "geom_quat", "geom_size", "geom_friction", "body_mass", "dof_damping", "bvh_aabb"):
        assert np.array_equal(getattr(models[0], name), getattr(models[2], name)), name
