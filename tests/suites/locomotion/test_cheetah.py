"""The cheetah suites against Gymnasium's HalfCheetah-v5 and their own definitions."""

import gymnasium
import numpy as np
import pytest

from metarl_bench.registry import SUITES, make_suite
from metarl_suites.locomotion.models import load

VELOCITY = "locomotion/cheetah-velocity-v1"


def test_physics_and_reward_terms_equal_gymnasiums_half_cheetah() -> None:
    suite = make_suite(VELOCITY)
    worlds = suite.make_worlds(1, num_threads=1)
    goal = 1.5
    worlds.set_tasks([suite.task("train", 0, velocity=goal)])
    observations, _ = worlds.reset(seed=3)
    physics = worlds.snapshot()["physics"][0]
    env = gymnasium.make("HalfCheetah-v5", ctrl_cost_weight=0.05).unwrapped
    env.reset(seed=0)
    env.set_state(physics[1:10], physics[10:19])
    rng = np.random.default_rng(0)
    for _ in range(200):
        action = rng.uniform(-1, 1, 6)
        env.data.qacc_warmstart[:] = 0  # the suite's stated rule
        expected, _, _, _, info = env.step(action)
        observations, rewards, _, _, _ = worlds.step(action[None])
        assert np.array_equal(observations[0], expected.astype(np.float32))
        assert rewards[0] == pytest.approx(-abs(info["x_velocity"] - goal) + info["reward_ctrl"], abs=1e-12)


def test_our_model_equals_gymnasiums_in_every_number_that_physics_reads() -> None:
    theirs, ours = gymnasium.make("HalfCheetah-v5").unwrapped.model, load("half_cheetah")
    for name in (
        "body_mass",
        "body_inertia",
        "geom_friction",
        "geom_size",
        "dof_damping",
        "jnt_range",
        "actuator_gear",
    ):
        assert np.array_equal(getattr(ours, name), getattr(theirs, name)), name
    assert ours.ntex == 0
    assert ours.nbuffer < 60_000


def test_direction_pays_for_speed_in_the_right_direction() -> None:
    suite = make_suite("locomotion/cheetah-direction-v1")
    worlds = suite.make_worlds(2, num_threads=1)
    worlds.set_tasks(suite.tasks("test"))
    worlds.reset(seed=[5, 5])
    action = np.full((2, 6), 0.5)
    x = worlds.snapshot()["physics"][:, 1]
    _, rewards, _, _, _ = worlds.step(action)
    speed = (worlds.snapshot()["physics"][:, 1] - x) / 0.05
    assert rewards == pytest.approx([speed[0] - 0.05 * 1.5, -speed[1] - 0.05 * 1.5])


def test_the_compatibility_suites_show_the_torso_position() -> None:
    suite = make_suite("locomotion/cheetah-velocity-wide-obs20-v1")
    worlds = suite.make_worlds(1, num_threads=1)
    worlds.set_tasks(suite.tasks("test")[:1])
    observations, _ = worlds.reset(seed=0)
    qpos = worlds.snapshot()["physics"][0, 1:10]
    assert observations[0, 17:] == pytest.approx([qpos[0], 0.0, qpos[1] + 0.7], abs=1e-6)


def test_horizons_and_spaces_are_as_the_names_say() -> None:
    shapes = {
        "locomotion/cheetah-velocity-v1": (200, 17, 3.0),
        "locomotion/cheetah-velocity-wide-v1": (200, 17, 7.0),
        "locomotion/cheetah-velocity-wide-obs20-v1": (200, 20, 7.0),
        "locomotion/cheetah-direction-v1": (200, 17, 1.0),
        "locomotion/cheetah-direction-h100-v1": (100, 20, 1.0),
    }
    found = {
        spec.id: (spec.horizon, spec.observation_space.shape[0], spec.parameters[0].high)
        for spec in SUITES.all()
        if spec.id in shapes
    }
    assert found == shapes


def test_an_episode_truncates_at_the_horizon_and_pays_the_sum() -> None:
    suite = make_suite(VELOCITY)
    worlds = suite.make_worlds(2, num_threads=1)
    worlds.set_tasks(suite.sample_tasks(2, np.random.default_rng(0)))
    worlds.reset(seed=0)
    for step in range(200):
        _, rewards, terminated, truncated, _ = worlds.step(np.zeros((2, 6)))
        assert truncated.tolist() == [step == 199] * 2
        assert not terminated.any()
    assert worlds.step(np.zeros((2, 6)))[1].tolist() == [0.0, 0.0]
    assert (rewards < 0).all()


def test_a_world_faster_than_physics_allows_fails_at_the_lower_bound() -> None:
    suite = make_suite(VELOCITY)
    worlds = suite.make_worlds(2, num_threads=1)
    worlds.set_tasks(suite.sample_tasks(2, np.random.default_rng(0)))
    worlds.reset(seed=0)
    state = worlds.snapshot()
    state["physics"][0, 10] = 1000.0
    worlds.restore(state)
    _, rewards, terminated, _, infos = worlds.step(np.zeros((2, 6)))
    assert infos["invalid"].tolist() == [True, False]
    assert terminated.tolist() == [True, False]
    assert rewards[0] == suite.spec.failure_return
