"""Models that tasks change: they depend on the task alone, and hold what MuJoCo's compiler would derive."""

import copy

import mujoco
import numpy as np
import pytest

from metarl_bench.registry import SUITES, make_suite
from metarl_suites.locomotion.ant_specs import ANT_LEGS
from metarl_suites.locomotion.models import load
from metarl_suites.locomotion.suite import LeggedSuite

EDITED = [
    spec.id
    for spec in SUITES.all()
    if isinstance(suite := make_suite(spec.id), LeggedSuite) and suite.definition.edit is not None
]


def edited(
    suite: LeggedSuite, model: mujoco.MjModel, params: dict[str, float | str], scratch: mujoco.MjData | None = None
) -> mujoco.MjModel:
    """Does to a model what the worlds do, who use one scratch for all their models."""
    assert suite.definition.edit is not None
    base = load(suite.definition.robot.asset)
    suite.definition.edit(model, base, suite.task("train", 0, **params))
    mujoco.mj_setConst(model, scratch or mujoco.MjData(base))
    return model


def numbers(model: mujoco.MjModel) -> dict[str, np.ndarray]:
    names = [name for name in dir(model) if not name.startswith("_")]
    return {name: value.copy() for name in names if isinstance(value := getattr(model, name), np.ndarray)}


def legged(suite_id: str) -> LeggedSuite:
    suite = make_suite(suite_id)
    assert isinstance(suite, LeggedSuite)
    return suite


@pytest.mark.parametrize("suite_id", EDITED)
def test_a_model_depends_on_its_last_task_alone(suite_id: str) -> None:
    suite = legged(suite_id)
    base = load(suite.definition.robot.asset)
    before = numbers(base)
    first, last = (dict(task.params) for task in suite.sample_tasks(2, np.random.default_rng(0)))
    reused, fresh = copy.copy(base), copy.copy(base)
    scratch = mujoco.MjData(base)
    edited(suite, edited(suite, reused, first, scratch), last, scratch)
    edited(suite, fresh, last)
    expected = numbers(fresh)
    for name, array in numbers(reused).items():
        assert np.array_equal(array, expected[name]), name
    for name, array in numbers(base).items():
        assert np.array_equal(array, before[name]), f"an edit changed {name} of the shared model"


@pytest.mark.parametrize("suite_id", [suite_id for suite_id in EDITED if "cripple" not in suite_id])
def test_multipliers_of_one_change_nothing(suite_id: str) -> None:
    suite = legged(suite_id)
    base = load(suite.definition.robot.asset)
    ones = {parameter.name: 1.0 for parameter in suite.spec.parameters}
    found = numbers(edited(suite, copy.copy(base), ones))
    for name, array in numbers(base).items():
        assert np.array_equal(found[name], array), name


def test_a_heavier_cheetah_is_thicker_and_turns_as_before() -> None:
    base = load("half_cheetah")
    model = edited(legged("locomotion/cheetah-mass-v2"), copy.copy(base), {"mass": 2.0})
    assert model.body_mass.sum() == pytest.approx(28.0)
    assert np.array_equal(model.body_inertia, base.body_inertia)
    assert model.geom_size[1:, 0] == pytest.approx(2.0 * 0.046)
    assert np.array_equal(model.geom_size[1:, 1], base.geom_size[1:, 1])
    assert model.geom_rbound[1:] == pytest.approx(model.geom_size[1:, 0] + model.geom_size[1:, 1])
    assert model.body_subtreemass[0] == pytest.approx(28.0)


def test_a_body_has_its_mass_damping_and_head() -> None:
    base = load("half_cheetah")
    factors = {"mass": 0.5, "damping": 2.0, "head": 1.5}
    model = edited(legged("locomotion/cheetah-body-v2"), copy.copy(base), dict(factors))
    assert model.body_mass.sum() == pytest.approx(7.0)
    assert np.array_equal(model.dof_damping, 2.0 * base.dof_damping)
    head = model.geom("head").id
    assert model.geom_size[head, 1] == pytest.approx(0.15 * 1.5)
    others = np.arange(1, model.ngeom) != head
    assert np.array_equal(model.geom_size[1:][others, 1], base.geom_size[1:][others, 1])


def test_the_bound_of_contacts_is_what_the_compiler_takes() -> None:
    """An unchanged cheetah's bounds equal what an edit computes, so the formula is MuJoCo's."""
    base = load("half_cheetah")
    assert base.geom_rbound[1:] == pytest.approx(base.geom_size[1:, :2].sum(axis=1))


# What a parameter's kind multiplies, and whose rows they are.
ELEMENTS = {"mass": "body", "inertia": "body", "friction": "geom", "damping": "dof"}
PARTS = [
    pytest.param(suite_id, parameter.name, id=f"{suite_id}-{parameter.name}")
    for suite_id in ("locomotion/walker-params-v1", "locomotion/hopper-params-v1")
    for parameter in make_suite(suite_id).spec.parameters
]


@pytest.mark.parametrize(("suite_id", "name"), PARTS)
def test_a_factor_multiplies_its_own_part_alone(suite_id: str, name: str) -> None:
    suite = legged(suite_id)
    base = load(suite.definition.robot.asset)
    model = edited(suite, copy.copy(base), {p.name: 1.5 if p.name == name else 1.0 for p in suite.spec.parameters})
    kind, _, part = name.partition("_")
    row = model.joint(part).dofadr[0] if kind == "damping" else getattr(model, ELEMENTS[kind])(part).id
    for other, of in ELEMENTS.items():
        factors = np.ones(len(getattr(base, f"{of}_{other}")))
        if other == kind:
            factors[row] = 1.5
        expected = (factors * getattr(base, f"{of}_{other}").T).T
        assert np.array_equal(getattr(model, f"{of}_{other}"), expected), other


@pytest.mark.parametrize("leg", ANT_LEGS)
def test_a_lame_leg_has_no_motors_is_half_as_long_and_folded_and_weighs_the_same(leg: str) -> None:
    suite = legged("locomotion/ant-cripple-v1")
    base = load("ant")
    model = edited(suite, copy.copy(base), {"leg": leg})
    lame = {base.actuator(f"{leg}_{joint}").id for joint in ("hip", "ankle")}
    for motor in range(base.nu):
        assert (model.actuator_gear[motor, 0] == 0.0) == (motor in lame)
    upper, lower = (base.geom(f"{leg}_{part}").id for part in ("leg", "foot"))
    for geom in range(base.ngeom):
        assert np.array_equal(model.geom_size[geom], (0.5 if geom in (upper, lower) else 1.0) * base.geom_size[geom])
        assert np.array_equal(model.geom_pos[geom], base.geom_pos[upper if geom == lower else geom])
    assert np.array_equal(model.body_mass, base.body_mass)


def contacts(model: mujoco.MjModel) -> list[int]:
    """Returns how many contacts there are, step by step, with and without the boxes that MuJoCo looks in."""
    data, counts = mujoco.MjData(model), [0, 0]
    rng, boxes = np.random.default_rng(0), mujoco.mjtDisableBit.mjDSBL_MIDPHASE
    asked = model.opt.disableflags
    data.qpos[2] = 2.5  # rad; it tumbles
    for _ in range(400):
        data.ctrl[:] = rng.uniform(-1.0, 1.0, model.nu)
        for index, flags in enumerate((asked, asked | boxes)):
            model.opt.disableflags = flags
            mujoco.mj_forward(model, data)
            counts[index] += data.ncon
        mujoco.mj_step(model, data, nstep=5)
    return counts


def test_a_tumbling_cheetah_of_any_size_misses_no_contact_with_the_floor() -> None:
    params: dict[str, float | str] = {"mass": 2.0, "damping": 1.0, "head": 2.0}
    found = {}
    for version in ("v1", "v2"):
        suite = legged(f"locomotion/cheetah-body-{version}")
        found[version] = contacts(edited(suite, copy.copy(load("half_cheetah")), dict(params)))
    some, all_of_them = found["v2"]
    assert some == all_of_them > 400
    some, all_of_them = found["v1"]  # which is why it is superseded
    assert some < 0.9 * all_of_them
