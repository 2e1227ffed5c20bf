"""The task lists: Meta-World's own goals, disjoint and frozen."""

from __future__ import annotations

import hashlib
import importlib.util
import pickle
import subprocess
import sys

import metaworld
import numpy as np
import pytest

from metarl_bench.errors import BenchError, ContractError
from metarl_bench.registry import SUITES, make_suite
from metarl_bench.tasks import SPLITS, hash_tasks
from metarl_suites.manipulation import kinds, suite
from metarl_suites.manipulation.suite import goal_of

IDS = [spec.id for spec in SUITES.all() if spec.id.startswith("manipulation/ml")]
# Over all 53 suites; a change of numbers needs new versions of them, never a new hash here.
FROZEN = "ee628a56b98f7e93"


def test_there_are_all_kinds_and_the_three_benchmarks() -> None:
    assert len(kinds.KINDS) == 50
    assert len(IDS) == 53


def test_the_tables_are_the_librarys() -> None:
    assert [f"{name}-v3" for name in kinds.KINDS] == list(metaworld.env_dict.ALL_V3_ENVIRONMENTS)
    for name, shipped in {
        "ml10": metaworld.env_dict.ML10_V3,
        "ml25": metaworld.env_dict.ML25_V3,
        "ml45": metaworld.env_dict.ML45_V3,
    }.items():
        train, test = (tuple(kind.removesuffix("-v3") for kind in shipped[half]) for half in ("train", "test"))
        if name == "ml25":
            assert set(train) & set(test) == {"basketball"}  # why ours differs
            train = tuple(kind for kind in train if kind != "basketball")
        assert kinds.SPLITS[name] == (train, test)


@pytest.mark.parametrize("kind", ["push", "peg-insert-side", "window-close"])
def test_ml1_has_the_goals_of_the_library(kind: str) -> None:
    ours, theirs = make_suite(f"manipulation/ml1-{kind}-v1"), metaworld.ML1(f"{kind}-v3", seed=suite.SEED)
    for tasks, expected in ((ours.tasks("train"), theirs.train_tasks), (ours.tasks("test"), theirs.test_tasks)):
        vectors = [pickle.loads(task.data)["rand_vec"] for task in expected]
        assert np.array_equal([goal_of(ours.spec, task)[1] for task in tasks], vectors)


@pytest.mark.parametrize("name", ["ml10", pytest.param("ml45", marks=pytest.mark.learning)])
def test_benchmarks_of_several_kinds_have_the_goals_of_the_library(name: str) -> None:
    ours, theirs = make_suite(f"manipulation/{name}-v1"), getattr(metaworld, name.upper())(seed=suite.SEED)
    for tasks, expected in ((ours.tasks("train"), theirs.train_tasks), (ours.tasks("test"), theirs.test_tasks)):
        assert len(tasks) == len(expected)
        for task, shipped in zip(tasks, expected, strict=True):
            kind, vector = goal_of(ours.spec, task)
            assert f"{kind}-v3" == shipped.env_name
            assert np.array_equal(vector, pickle.loads(shipped.data)["rand_vec"])


@pytest.mark.parametrize("suite_id", IDS)
def test_no_task_is_in_two_splits(suite_id: str) -> None:
    made = make_suite(suite_id)
    keys = [task.key for split in SPLITS for task in made.tasks(split)]
    assert len(keys) == len(set(keys))
    assert made.tasks("test_ood") == ()


@pytest.mark.parametrize("name", ["ml10", "ml25", "ml45"])
def test_kinds_of_the_test_list_are_not_trained_on(name: str) -> None:
    made = make_suite(f"manipulation/{name}-v1")
    train, validation, test = ({task["kind"] for task in made.tasks(split)} for split in SPLITS[:3])
    assert not train & test
    assert train == validation
    assert len(made.tasks("train")) == 50 * len(train)


def test_frozen_lists_never_change() -> None:
    text = "".join(hash_tasks(make_suite(suite_id).tasks(split)) for suite_id in IDS for split in SPLITS)
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == FROZEN


def test_a_goal_that_the_library_would_search_for_ever_is_refused() -> None:
    made = make_suite("manipulation/ml1-reach-v1")
    near = made.task("train", 0, object_x=0.0, object_y=0.7, goal_x=0.0, goal_y=0.8, goal_z=0.1)
    outside = made.task("train", 0, object_x=0.0, object_y=0.7, goal_x=9.0, goal_y=0.8, goal_z=0.1)
    worlds = made.make_worlds(1, num_threads=1)
    for task in (near, outside):
        with pytest.raises(ContractError, match="goal vector"):
            worlds.set_tasks([task])


def test_suites_are_listed_without_meta_world_and_mujoco() -> None:
    code = (
        "import sys; from metarl_suites import SPECS; assert len(SPECS) > 53;"
        "assert not {'metaworld', 'mujoco', 'scipy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_meta_world_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(suite, "find_spec", lambda name: None if name == "metaworld" else find_spec(name))
    with pytest.raises(BenchError, match=r"metarl-bench\[manipulation\]"):
        suite.ManipulationSuite(spec=SUITES.get("manipulation/ml10-v1"))
