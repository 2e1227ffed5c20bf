"""What the tasks of the locomotion suites ask for, and what they change."""

import itertools

import numpy as np
import pytest

from metarl_bench.registry import make_suite
from metarl_bench.tasks import Task


def test_the_height_of_a_cheetah_counts() -> None:
    suite = make_suite("locomotion/cheetah-mass-v1")
    worlds = suite.make_worlds(1, num_threads=1)
    worlds.set_tasks([suite.task("train", 0, mass=1.0)])
    worlds.reset(seed=0)
    before = worlds.snapshot()["physics"][0]
    _, rewards, _, _, _ = worlds.step(np.full((1, 6), 0.5))
    after = worlds.snapshot()["physics"][0]
    assert rewards[0] == pytest.approx((after[1] - before[1]) / 0.05 - 0.05 * 1.5 + after[2])


def test_directions_are_true_angles() -> None:
    suite = make_suite("locomotion/ant-direction-v1")
    worlds = suite.make_worlds(2, num_threads=1)
    worlds.set_tasks([suite.task("train", index, angle=angle) for index, angle in enumerate((0.0, np.pi))])
    worlds.reset(seed=[4, 4])
    action = np.full((2, 8), 0.1)
    before = worlds.snapshot()["physics"][:, 1]
    _, rewards, _, _, _ = worlds.step(action)
    speeds = (worlds.snapshot()["physics"][:, 1] - before) / 0.05
    assert rewards == pytest.approx([speeds[0] + 1.0 - 0.04, -speeds[1] + 1.0 - 0.04])


def test_the_ant_pays_for_its_distance_to_the_goal() -> None:
    suite = make_suite("locomotion/ant-goal-v1")
    worlds = suite.make_worlds(1, num_threads=1)
    worlds.set_tasks([suite.task("train", 0, goal_x=1.0, goal_y=-2.0)])
    worlds.reset(seed=0)
    observations, rewards, _, _, _ = worlds.step(np.full((1, 8), 0.5))
    x, y = observations[0, :2]
    assert rewards[0] == pytest.approx(-abs(x - 1.0) - abs(y + 2.0) - 0.1 * 2.0, abs=1e-6)


def test_the_ant_with_a_lame_leg_is_paid_for_its_speed_and_each_step() -> None:
    suite = make_suite("locomotion/ant-cripple-v1")
    worlds = suite.make_worlds(1, num_threads=1)
    worlds.set_tasks([suite.task("train", 0, leg="back_left")])
    worlds.reset(seed=0)
    for _ in range(10):
        before = worlds.snapshot()["physics"][0, 1]
        _, rewards, _, _, _ = worlds.step(np.full((1, 8), 0.7))
        assert rewards[0] == pytest.approx((worlds.snapshot()["physics"][0, 1] - before) / 0.05 + 0.05)


def test_goals_lie_in_the_disc_and_held_out_ones_around_it() -> None:
    suite = make_suite("locomotion/ant-goal-v1")

    def radii(tasks: list[Task]) -> np.ndarray:
        return np.hypot([task.number("goal_x") for task in tasks], [task.number("goal_y") for task in tasks])

    sampled = radii(suite.sample_tasks(2000, np.random.default_rng(0)))
    assert sampled.max() <= 3.0
    assert (sampled < 1.5).mean() == pytest.approx(0.25, abs=0.03)  # even over the area
    assert (radii(list(suite.tasks("test"))) < 1.5).mean() == pytest.approx(0.25, abs=0.03)
    held_out = radii(list(suite.tasks("test_ood")))
    assert held_out.min() > 3.0
    assert held_out.max() < 4.0


def test_the_motors_of_a_lame_leg_do_nothing() -> None:
    suite = make_suite("locomotion/ant-cripple-v1")
    tasks = [*suite.tasks("test"), *suite.tasks("test_ood")]
    assert [task["leg"] for task in tasks] == ["front_left", "back_left", "back_right", "front_right"]
    lame = [(2, 3), (4, 5), (6, 7), (0, 1)]
    worlds = suite.make_worlds(len(tasks), num_threads=1)
    worlds.set_tasks(tasks)
    for motors in itertools.chain(lame):
        ends = []
        for push in (0.0, 1.0):
            worlds.reset(seed=[0] * len(tasks))
            actions = np.zeros((len(tasks), 8))
            actions[:, motors] = push
            for _ in range(3):
                worlds.step(actions)
            ends.append(worlds.snapshot()["physics"])
        unmoved = (ends[0] == ends[1]).all(axis=1)
        assert unmoved.tolist() == [motors == own for own in lame]


@pytest.mark.parametrize("name", ["cheetah-mass-v2", "cheetah-body-v2", "walker-params-v1", "hopper-params-v1"])
def test_multipliers_are_even_on_a_logarithmic_scale(name: str) -> None:
    suite = make_suite(f"locomotion/{name}")
    parameters = suite.spec.parameters
    highest = np.log([parameter.high for parameter in parameters])

    def places(tasks: list[Task]) -> np.ndarray:
        return np.log([[task.number(p.name) for p in parameters] for task in tasks]) / highest

    sampled = places(suite.sample_tasks(2000, np.random.default_rng(0)))
    assert np.abs(np.quantile(sampled, [0.25, 0.5, 0.75], axis=0).T - [-0.5, 0.0, 0.5]).max() < 0.1
    listed = np.sort(places(list(suite.tasks("test"))), axis=0)
    assert listed == pytest.approx(np.repeat(np.linspace(-29, 29, 30)[:, None] / 30, len(parameters), axis=1), abs=1e-4)
    held_out = np.abs(places(list(suite.tasks("test_ood"))))
    assert held_out.min() > 1.0
    assert held_out.max() < 1.26
