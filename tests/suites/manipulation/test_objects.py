"""Objects that do not show: their models, episodes and lists, and that they can be picked up."""

from __future__ import annotations

import copy
import hashlib

import mujoco
import numpy as np
import pytest

from metarl_bench.errors import ContractError
from metarl_bench.registry import make_suite
from metarl_bench.tasks import SPLITS, hash_tasks
from metarl_bench.testing import Check, suite_checks
from metarl_suites.manipulation import thing_models, things
from metarl_suites.manipulation.environments import model_path
from metarl_suites.manipulation.experts import play_expert
from metarl_suites.manipulation.object_worlds import placed
from metarl_suites.manipulation.scene import Scene
from metarl_suites.manipulation.things import HELD_OUT, SHAPES, TRAINED, Thing

pytestmark = pytest.mark.filterwarnings("ignore:Constant")
SUITE = make_suite("manipulation/objects-v1")
# Minutes of episodes that nothing ends early: once is enough.
SLOW = {"failing_never_pays", "ending_early_never_pays"}


@pytest.mark.parametrize("check", [check for check in suite_checks(SUITE) if str(check) not in SLOW], ids=str)
def test_suite(check: Check) -> None:
    check()


@pytest.mark.learning
@pytest.mark.parametrize("check", [check for check in suite_checks(SUITE) if str(check) in SLOW], ids=str)
def test_suite_for_long(check: Check) -> None:
    check()


# -- lists -------------------------------------------------------------------------------------------------------------


def test_whole_shapes_are_held_out() -> None:
    assert {task["shape"] for task in SUITE.tasks("test")} == set(TRAINED)
    assert {task["shape"] for task in SUITE.tasks("test_ood")} == set(HELD_OUT)
    assert not set(TRAINED) & set(HELD_OUT)
    assert set(TRAINED) | set(HELD_OUT) == set(SHAPES)
    keys = [task.key for split in SPLITS[1:] for task in SUITE.tasks(split)]
    assert len(keys) == len(set(keys)) == 90


def test_frozen_lists_never_change() -> None:
    text = "".join(hash_tasks(SUITE.tasks(split)) for split in SPLITS[1:])
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == "8f33ec19df7bb154"


def test_masses_are_drawn_evenly_in_their_logarithm() -> None:
    masses = [task.number("mass") for task in SUITE.sample_tasks(2000, np.random.default_rng(0))]
    low, high = things.RANGES["mass"]
    assert np.median(masses) == pytest.approx(np.sqrt(low * high), rel=0.1)


# -- models ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES)
def test_an_object_is_as_wide_high_and_heavy_as_its_task_says(shape: str) -> None:
    thing = Thing(shape, 0.04, 0.05, 0.7, 0.9)
    model = written(thing)
    body = model.body("obj").id
    lows, highs = [], []
    for number in range(things.PARTS):
        geom = model.geom("objGeom" if number == 0 else f"objGeom{number}")
        if geom.contype[0]:
            lows.append(geom.pos - model.geom_aabb[geom.id, 3:])
            highs.append(geom.pos + model.geom_aabb[geom.id, 3:])
            assert geom.friction[0] == 0.9
    low, high = np.min(lows, axis=0), np.max(highs, axis=0)
    assert high[1] - low[1] == pytest.approx(0.04)
    assert high[2] - low[2] == pytest.approx(0.05)
    assert low[2] == pytest.approx(-thing_models.FRAME)
    assert model.body_mass[body] == pytest.approx(0.7)
    assert model.body_subtreemass[0] == pytest.approx(thing_models.bench_model().body_subtreemass[0] + 0.2)


def test_a_cylinder_has_the_inertia_of_the_textbook() -> None:
    thing = Thing("cylinder", 0.04, 0.06, 0.5, 1.0)
    model = written(thing)
    across = 0.5 * (3 * 0.02**2 + 0.06**2) / 12
    along = 0.5 * 0.5 * 0.02**2
    assert sorted(model.body_inertia[model.body("obj").id]) == pytest.approx(sorted([across, across, along]))
    assert model.body_ipos[model.body("obj").id] == pytest.approx([0, 0, 0.01])


@pytest.mark.parametrize("shape", ["box", "step", "tower", "cross", "mushroom"])
def test_a_model_moves_as_one_that_was_compiled_with_the_object(shape: str) -> None:
    thing = Thing(shape, 0.045, 0.05, 0.3, 0.6)
    spec = mujoco.MjSpec.from_file(model_path("pick-place"))
    spec.compiler.discardvisual = True
    # Contacts in another order differ in their last bits, and thrown objects soon differ in all.
    spec.option.disableflags |= mujoco.mjtDisableBit.mjDSBL_MIDPHASE
    body = next(body for body in spec.bodies if body.name == "obj")
    thing_models._furnish(body, thing)
    edited = written(thing)
    inertial = edited.body("obj")
    body.explicitinertial = True
    body.mass, body.inertia, body.ipos, body.iquat = inertial.mass[0], inertial.inertia, inertial.ipos, inertial.iquat
    ends = []
    for model in (spec.compile(), edited):
        data = mujoco.MjData(model)
        # Thrown onto the table, with a spin.
        data.qpos[9:16] = (0.0, 0.7, 0.1, 0.9, 0.3, 0.2, 0.1)
        data.qvel[9:15] = (0.3, 0.2, 0.0, 2.0, 1.0, 3.0)
        mujoco.mj_step(model, data, 60)
        assert data.ncon > 0
        ends.append(data.qpos[9:16].copy())
    assert ends[0] == pytest.approx(ends[1], abs=1e-6)


def test_friction_is_the_objects_against_the_fingers_too() -> None:
    model = written(Thing("box", 0.04, 0.04, 0.3, 0.6))
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    box, pad = model.geom("objGeom").id, model.geom("leftpad_geom").id
    data.qpos[9:12] = data.geom_xpos[pad]
    mujoco.mj_forward(model, data)
    found = [contact.friction[0] for contact in data.contact if {contact.geom1, contact.geom2} == {box, pad}]
    assert found
    assert set(found) == {0.6}


def written(thing: Thing) -> mujoco.MjModel:
    model = copy.copy(thing_models.bench_model())
    thing_models.write(model, thing_models.edits(thing))
    return model


# -- episodes ----------------------------------------------------------------------------------------------------------


def test_an_episode_begins_as_meta_worlds_reset_leaves_it() -> None:
    places = np.array([0.05, 0.65, 0.02, -0.05, 0.88, 0.17])
    edits = thing_models.edits(Thing("mushroom", 0.04, 0.05, 0.6, 0.8))
    environment = thing_models.make_thing_environment()
    thing_models.write(environment.model, edits)
    expected = Scene(environment, thing_models.FIELDS).begin(places)
    found = placed(edits, places)
    assert np.array_equal(found.goal, expected.goal)
    # But that there the object's tilt is left from where it lay before.
    assert found.frames == pytest.approx(expected.frames, abs=1e-3)
    assert found.state[1:32] == pytest.approx(expected.state[1:32], abs=1e-3)
    assert np.array_equal(found.state[10:13], places[:3])
    assert found.state[13:17].tolist() == [1, 0, 0, 0]
    assert found.attributes.keys() == expected.attributes.keys()
    for name in ("obj_init_pos", "_target_pos", "init_tcp", "_last_rand_vec"):
        assert found.attributes[name] == pytest.approx(expected.attributes[name], abs=1e-6), name
    for one, other in zip(found.written, expected.written, strict=True):
        assert np.array_equal(one, other)


def test_the_goal_shows_and_the_object_does_not() -> None:
    worlds = SUITE.make_worlds(5, num_threads=1)
    worlds.set_tasks(SUITE.tasks("test")[:5])
    observations, _ = worlds.reset(seed=[7] * 5)
    assert {task["shape"] for task in SUITE.tasks("test")[:5]} == set(TRAINED)
    assert (observations == observations[0]).all()
    assert np.array_equal(observations[:, 36:], np.float32(worlds.full_observations()[:, 36:]))
    others, _ = worlds.reset(seed=8)
    assert len({row.tobytes() for row in others[:, 36:]}) == 5


def test_tasks_that_nobody_can_play_are_refused() -> None:
    worlds = SUITE.make_worlds(1, num_threads=1)
    good = {"shape": "box", "width": 0.04, "height": 0.04, "mass": 0.5, "friction": 1.0}
    worlds.set_tasks([SUITE.task("train", 0, **good)])
    for name, value in {"shape": "ball", "mass": 0.0, "friction": np.nan}.items():
        with pytest.raises(ContractError, match="expected positive numbers and one of the shapes"):
            worlds.set_tasks([SUITE.task("train", 0, **{**good, name: value})])


# -- the expert --------------------------------------------------------------------------------------------------------


def test_the_expert_picks_up_most_objects() -> None:
    tasks = [*SUITE.tasks("test")[:5], *SUITE.tasks("test_ood")[:3]]
    solved, returns = play_expert(SUITE, tasks)
    assert solved.mean() >= 0.7
    assert (returns > 0).all()
    assert (returns < SUITE.spec.best_return).all()


@pytest.mark.learning
@pytest.mark.parametrize("split", SPLITS[1:])
def test_the_expert_solves_a_list(split: str) -> None:
    solved, returns = play_expert(SUITE, list(SUITE.tasks(split)))
    assert solved.mean() >= 0.8
    assert returns.max() <= SUITE.spec.best_return
