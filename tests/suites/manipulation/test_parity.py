"""Every number of the suites against Meta-World's own ``env.reset`` and ``env.step``, bit for bit."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest
from metaworld.utils import reward_utils
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from metarl_bench.registry import make_suite
from metarl_bench.tasks import Suite, Task
from metarl_bench.worlds import Worlds
from metarl_suites.manipulation import fast
from metarl_suites.manipulation.environments import light_model, light_spec, model_path
from metarl_suites.manipulation.kinds import KINDS, SPLITS
from tests.suites.manipulation.library import Player, library_env

pytestmark = pytest.mark.filterwarnings("ignore:Constant")
# Compared in every test run, by their experts, who succeed. `make results` compares all kinds.
OFTEN = (*SPLITS["ml10"].train, *SPLITS["ml10"].test)


def mismatches(
    suite: Suite, tasks: list[Task], *, steps: int, num_threads: int, solved: bool = False
) -> dict[str, int]:
    """Plays tasks side by side, every other one by the expert, and counts what differs from Meta-World.

    Resets are compared before, and again after whatever was played, when they come from the cache.

    Args:
        suite: Of the tasks.
        tasks: One a world.
        steps: At most 500.
        num_threads: As in ``make_worlds``.
        solved: Whether the experts must succeed in some step: where they never do, success is compared in vain.
    """
    worlds = suite.make_worlds(len(tasks), num_threads=num_threads)
    worlds.set_tasks(tasks)
    players = [Player(suite, task, expert=place % 2 == 0, seed=place) for place, task in enumerate(tasks)]
    fresh = [(player.observation, player.physics()) for player in players]
    counts = dict.fromkeys(("reset", "observation", "reward", "success", "truncated", "never solved"), 0)
    counts["reset"] += resets_that_differ(worlds, fresh)
    counts["never solved"] += solved
    for _ in range(steps):
        actions = np.array([player.action() for player in players])
        observations, rewards, _, truncated, infos = worlds.step(actions)
        for place, player in enumerate(players):
            player.observation, reward, _, ended, info = player.env.step(actions[place])
            counts["observation"] += not np.array_equal(player.observation.astype(np.float32), observations[place])
            counts["reward"] += reward != rewards[place]
            counts["success"] += bool(info["success"]) != infos["success"][place]
            counts["truncated"] += ended != truncated[place]
        if infos["success"][::2].any():
            counts["never solved"] = 0
    counts["reset"] += resets_that_differ(worlds, fresh)
    worlds.close()
    return {name: count for name, count in counts.items() if count}


def resets_that_differ(worlds: Worlds, fresh: list[tuple[NDArray[np.float64], NDArray[np.float64]]]) -> int:
    """Resets worlds, and counts those that do not begin with given observations and physics."""
    observations, _ = worlds.reset(seed=0)
    physics = worlds.snapshot()["physics"]
    return sum(
        not (
            np.array_equal(observations[place], observation.astype(np.float32))
            and np.array_equal(physics[place, -len(state) :], state)
            and not physics[place, : -len(state)].any()
        )
        for place, (observation, state) in enumerate(fresh)
    )


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=() if kind in OFTEN else pytest.mark.learning) for kind in KINDS]
)
def test_a_kind_equals_the_library(kind: str) -> None:
    suite = make_suite(f"manipulation/ml1-{kind}-v1")
    train, test = suite.tasks("train"), suite.tasks("test")
    tasks, often = [train[0], test[3]], kind in OFTEN
    assert mismatches(suite, tasks, steps=suite.spec.horizon, num_threads=1, solved=often) == {}
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
    tasks = [*suite.tasks("train")[::50], *suite.tasks("test")[::50]]
    assert mismatches(suite, tasks, steps=60, num_threads=2) == {}


def test_a_reset_from_the_cache_equals_a_fresh_one_after_other_kinds_were_played() -> None:
    suite = make_suite("manipulation/ml10-v1")
    tasks = [suite.tasks("train")[place] for place in (3, 160, 320, 470)]
    worlds = suite.make_worlds(4, num_threads=1)
    worlds.set_tasks(tasks[::-1])
    worlds.reset(seed=0)
    rng = np.random.default_rng(0)
    for _ in range(30):
        worlds.step(rng.uniform(-1, 1, (4, 4)))
    worlds.set_tasks(tasks)
    players = [Player(suite, task, expert=False, seed=place) for place, task in enumerate(tasks)]
    assert resets_that_differ(worlds, [(player.observation, player.physics()) for player in players]) == 0


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


# With and without geoms that are observed though they touch nothing, and with a second object.
QUICK = ("push", "door-open", "lever-pull", "hammer")


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=() if kind in QUICK else pytest.mark.learning) for kind in KINDS]
)
def test_light_models_are_what_mujoco_leaves_of_the_full_ones(kind: str) -> None:
    spec = mujoco.MjSpec.from_file(model_path(kind))
    spec.compiler.discardvisual = True
    light = light_spec(kind)
    for sensor in light.sensors:
        spec.add_sensor(type=sensor.type, objtype=sensor.objtype, objname=sensor.objname)
    assert saved(light.compile()) == saved(spec.compile())


def saved(model: mujoco.MjModel) -> bytes:
    """Returns all that a model holds."""
    buffer = np.zeros(mujoco.mj_sizeModel(model), np.uint8)
    mujoco.mj_saveModel(model, None, buffer)
    return buffer.tobytes()


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
