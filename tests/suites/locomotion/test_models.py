"""Models that tasks change: they depend on the task alone, and hold what MuJoCo's compiler would derive."""

import copy

import mujoco
import numpy as np
import pytest

from metarl_bench.registry import SUITES, make_suite
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
