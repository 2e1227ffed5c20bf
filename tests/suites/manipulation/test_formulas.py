"""Formulas, sights and the pieces of rewards against Meta-World's own functions, also where no expert ever comes."""

from __future__ import annotations

from typing import Any

import mujoco
import numpy as np
import pytest
from metaworld.utils import reward_utils
from scipy.spatial.transform import Rotation

from metarl_bench.registry import make_suite
from metarl_suites.manipulation import shaping, sights
from metarl_suites.manipulation.environments import make_environment
from metarl_suites.manipulation.measured import MEASURES
from metarl_suites.manipulation.scene import Scene
from metarl_suites.manipulation.seen import poses_of
from metarl_suites.manipulation.sights import Look, Sight
from metarl_suites.manipulation.suite import goal_of
from tests.suites.manipulation.library import library_env

# m; how far apart things are put: within reach of each other, at the bounds, and as far as the arm reaches.
SPREADS = (0.01, 0.04, 0.15)
SCENES = 1500


def scatter(env: Any, look: Look, rng: np.random.Generator) -> None:
    """Puts all that counts anywhere, near the goal, near the object's start or near the hand's."""
    centers = np.array([env._target_pos, env.obj_init_pos, env.init_tcp, [0.0, 0.7, 0.12]])
    near = centers[rng.integers(len(centers))]
    spread = SPREADS[rng.integers(len(SPREADS))]
    data = env.data
    parts = [data.body(name).xpos for name in ("hand", "rightclaw", "leftclaw", "leftpad", "rightpad")]
    parts += [data.site(name).xpos for name in ("rightEndEffector", "leftEndEffector")]
    for sort, name, array in (look.place, *look.rest):
        parts.append(getattr(getattr(data, sort)(name), array))
    for part in parts:
        part[:] = near + rng.normal(0, spread, 3) if part.size == 3 else rng.uniform(-2.5, 0.5)
        if part.size == 3:
            part[2] = max(part[2], rng.uniform(0.001, 0.002))
    if look.turn is not None:
        turn = getattr(getattr(data, look.turn[0])(look.turn[1]), look.turn[2])
        quaternion = rng.normal(0, 1, 4)
        quaternion /= np.linalg.norm(quaternion)
        mujoco.mju_quat2Mat(turn, quaternion) if turn.size == 9 else np.copyto(turn, quaternion)


@pytest.mark.parametrize("kind", MEASURES)
def test_a_formula_is_meta_worlds_reward_wherever_things_are(kind: str) -> None:
    suite = make_suite(f"manipulation/ml1-{kind}-v1")
    task = suite.tasks("train")[7]
    env: Any = library_env(suite, task)
    env.reset()
    look, reward_of = MEASURES[kind]
    formula = reward_of(Scene(make_environment(kind)).begin(goal_of(suite.spec, task)[1]).attributes)
    sight, row = Sight(env.data, poses_of(env.data), look), np.zeros((1, sights.SIGHT_SIZE))
    low, high = env.sawyer_observation_space.low, env.sawyer_observation_space.high
    rng = np.random.default_rng(0)
    rewards = set()
    for _ in range(SCENES):
        scatter(env, look, rng)
        action = rng.uniform(-1, 1, 4).astype(np.float32)
        seen = env._get_obs()
        expected, info = env.evaluate_state(np.clip(seen, low, high, dtype=np.float64), action)
        sight.read(row[0])
        frames = sights.frames_of(row, np.array([sight.turn_size]))
        facts = sights.facts_of(row, frames)
        got, solved = formula(facts[0], facts[0].tolist(), action[3])
        assert np.array_equal(frames[0], seen[: sights.SEEN_SIZE])
        assert float(got) == float(expected)
        assert solved == bool(info["success"])
        rewards.add(float(got))
    assert len(rewards) > 100


def test_lengths_of_many_vectors_are_numpys_of_each() -> None:
    vectors = np.random.default_rng(0).uniform(-1, 1, (5000, 3))
    assert sights.lengths(vectors).tolist() == [np.linalg.norm(vector) for vector in vectors]


def test_quaternions_of_many_matrices_are_scipys_of_each() -> None:
    rng = np.random.default_rng(2)
    matrices = np.zeros((1500, 9))
    for matrix, spread in zip(matrices, np.repeat((1e-12, 1e-6, 1e-2, 1.0, 10.0), 300), strict=True):
        quaternion = np.array([1.0, 0, 0, 0]) + rng.normal(0, spread, 4)
        mujoco.mju_quat2Mat(matrix, quaternion / np.linalg.norm(quaternion))
    expected = [Rotation.from_matrix(matrix.reshape(3, 3)).as_quat() for matrix in matrices]
    assert np.array_equal(sights.quaternions(matrices), expected)


def test_the_pieces_of_rewards_are_meta_worlds() -> None:
    rng = np.random.default_rng(3)
    for value, lower, upper, margin in rng.uniform(0, 0.5, (5000, 4)).tolist():
        bounds = lower, lower + upper
        tail = reward_utils.tolerance(value, bounds, margin, "long_tail")
        bell = reward_utils.tolerance(value, (0.0, upper), margin, "gaussian")
        assert shaping.long_tail(value, *bounds, margin) == tail
        assert shaping.gaussian(value, upper, margin) == bell
        assert shaping.both(tail, bell) == reward_utils.hamacher_product(tail, bell)
        for grip in (np.float32(bell), np.float32(0.0)):
            got, expected = shaping.both(tail, grip), reward_utils.hamacher_product(tail, grip)
            assert got == expected
            assert type(got) is type(expected)
    assert shaping.both(0.0, 0.0) == reward_utils.hamacher_product(0.0, 0.0)


def test_a_margin_of_nothing_is_a_bound() -> None:
    for shape in ("long_tail", "gaussian"):
        assert reward_utils.tolerance(0.3, (0.0, 0.2), 0.0, shape) == 0.0  # type: ignore[arg-type]
    assert shaping.long_tail(0.3, 0.0, 0.2, 0.0) == 0.0
    assert shaping.gaussian(0.3, 0.2, 0.0) == 0.0
