"""Every number of the suites against Meta-World's own ``env.reset`` and ``env.step``, bit for bit."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest
from metaworld.utils import reward_utils
from scipy.spatial.transform import Rotation

from metarl_bench.registry import make_suite
from metarl_bench.tasks import Suite, Task
from metarl_suites.manipulation import fast
from metarl_suites.manipulation.environments import light_model, model_path
from metarl_suites.manipulation.kinds import KINDS
from tests.suites.manipulation.library import Player, library_env

pytestmark = pytest.mark.filterwarnings("ignore:Constant")
# Those that are trained on most; all others are compared for fewer steps.
LONG = ("reach", "push", "pick-place")


def mismatches(suite: Suite, tasks: list[Task], *, steps: int, num_threads: int) -> dict[str, int]:
    """Plays tasks side by side, every other one by the expert, and counts what differs from Meta-World."""
    worlds = suite.make_worlds(len(tasks), num_threads=num_threads)
    worlds.set_tasks(tasks)
    observations, _ = worlds.reset(seed=0)
    players = [Player(suite, task, expert=place % 2 == 0, seed=place) for place, task in enumerate(tasks)]
    counts = {"reset": 0, "observation": 0, "reward": 0, "success": 0, "truncated": 0}
    for place, player in enumerate(players):
        counts["reset"] += not np.array_equal(player.observation.astype(np.float32), observations[place])
    for _ in range(steps):
        actions = np.array([player.action() for player in players])
        observations, rewards, _, truncated, infos = worlds.step(actions)
        for place, player in enumerate(players):
            player.observation, reward, _, ended, info = player.env.step(actions[place])
            counts["observation"] += not np.array_equal(player.observation.astype(np.float32), observations[place])
            counts["reward"] += reward != rewards[place]
            counts["success"] += bool(info["success"]) != infos["success"][place]
            counts["truncated"] += ended != truncated[place]
    worlds.close()
    return {name: count for name, count in counts.items() if count}


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_equals_the_library(kind: str) -> None:
    suite = make_suite(f"manipulation/ml1-{kind}-v1")
    train, test = suite.tasks("train"), suite.tasks("test")
    tasks, steps = ([train[0], train[7], test[3]], 500) if kind in LONG else ([train[0], test[3]], 120)
    assert mismatches(suite, tasks, steps=steps, num_threads=1) == {}
    drawn = library_env(suite, train[0])._random_reset_space
    assert (tuple(drawn.low), tuple(drawn.high)) == (KINDS[kind].low, KINDS[kind].high)


@pytest.mark.learning
@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_equals_the_library_for_whole_episodes(kind: str) -> None:
    suite = make_suite(f"manipulation/ml1-{kind}-v1")
    # 1000 steps of the expert, 1000 at random.
    tasks = [*suite.tasks("train")[:14:7], *suite.tasks("test")[3:11:4]]
    assert mismatches(suite, tasks, steps=suite.spec.horizon, num_threads=1) == {}


def test_mixed_kinds_on_two_threads_equal_the_library() -> None:
    suite = make_suite("manipulation/ml10-v1")
    tasks = [*suite.tasks("train")[::50], *suite.tasks("test")[::50], *suite.tasks("train")[1:150:50]]
    assert mismatches(suite, tasks, steps=150, num_threads=2) == {}


def test_a_reset_from_the_cache_equals_a_fresh_one_after_whatever_was_played() -> None:
    suite = make_suite("manipulation/ml10-v1")
    tasks = [suite.tasks("train")[place] for place in (3, 160, 320, 470)]
    worlds = suite.make_worlds(4, num_threads=1)
    worlds.set_tasks(tasks[::-1])
    worlds.reset(seed=0)
    rng = np.random.default_rng(0)
    for _ in range(30):
        worlds.step(rng.uniform(-1, 1, (4, 4)))
    worlds.set_tasks(tasks)
    observations, _ = worlds.reset(seed=1)
    players = [Player(suite, task, expert=False, seed=place) for place, task in enumerate(tasks)]
    for place, player in enumerate(players):
        state = np.zeros(mujoco.mj_stateSize(player.env.model, mujoco.mjtState.mjSTATE_QPOS))
        mujoco.mj_getState(player.env.model, player.env.data, state, mujoco.mjtState.mjSTATE_QPOS)
        physics = worlds.snapshot()["physics"][place]
        nq, nv = player.env.model.nq, player.env.model.nv
        assert np.array_equal(observations[place], player.observation.astype(np.float32))
        assert np.array_equal(physics[-9 - 2 * nv - nq : -9 - 2 * nv], state)
        assert np.array_equal(physics[-9 - 2 * nv : -9 - nv], player.env.data.qvel)
        assert np.array_equal(physics[-9 - nv : -9], player.env.data.qacc_warmstart)
        assert np.array_equal(physics[-7:-4], player.env.data.mocap_pos[0])


def test_light_models_have_the_dynamics_of_the_full_ones() -> None:
    for kind in ("push", "door-open"):
        light = light_model(kind)
        full = mujoco.MjModel.from_xml_path(model_path(kind))
        assert light.nbuffer < full.nbuffer / 5
        for name in (
            "body_mass",
            "body_inertia",
            "body_pos",
            "dof_damping",
            "jnt_range",
            "actuator_gainprm",
            "eq_data",
        ):
            assert np.array_equal(getattr(light, name), getattr(full, name)), name


def test_the_faster_norm_is_numpys() -> None:
    rng = np.random.default_rng(0)
    for size in (2, 3):
        for vector in rng.uniform(-1, 1, (2000, size)):
            assert fast.norm(vector) == np.linalg.norm(vector)
    assert isinstance(fast.norm(np.ones(3)), np.float64)


def test_the_faster_tolerance_is_meta_worlds() -> None:
    rng = np.random.default_rng(1)
    for x, upper, margin in rng.uniform(0, 0.5, (5000, 3)).tolist():
        expected = reward_utils.tolerance(x, bounds=(0.01, 0.01 + upper), margin=margin, sigmoid="long_tail")
        got = fast.tolerance(x, bounds=(0.01, 0.01 + upper), margin=margin, sigmoid="long_tail")
        assert got == expected
        assert type(got) is type(expected)


def test_the_faster_quaternion_is_scipys() -> None:
    rng = np.random.default_rng(2)
    matrix = np.zeros(9)
    for spread in (1e-12, 1e-6, 1e-2, 1.0, 10.0):
        for noise in rng.normal(0, spread, (300, 4)):
            quaternion = np.array([1.0, 0, 0, 0]) + noise
            mujoco.mju_quat2Mat(matrix, quaternion / np.linalg.norm(quaternion))
            square = matrix.reshape(3, 3)
            assert np.array_equal(
                fast.MatrixRotation.from_matrix(square).as_quat(), Rotation.from_matrix(square).as_quat()
            )
