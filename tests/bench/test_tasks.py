"""Tasks and what suites declare about them."""

import dataclasses
import json

import numpy as np
import pytest

from metarl_bench.errors import ContractError
from metarl_bench.registry import make_suite
from metarl_bench.tasks import Parameter, References, Task, hash_tasks
from metarl_suites.toy.specs import POINT_ROBOT


def task(**params: float | str) -> Task:
    return Task(suite="toy/point-robot-v1", split="train", index=0, params=tuple(params.items()))


def test_a_task_survives_json() -> None:
    original = task(goal_x=0.1 + 0.2, kind="stairs")

    assert Task.from_json(json.loads(json.dumps(original.to_json()))) == original


def test_the_key_names_the_mdp_and_not_where_it_is_used() -> None:
    original = task(goal_x=0.5)

    assert original.key == dataclasses.replace(original, split="test", index=7).key
    assert original.key != task(goal_x=0.5000001).key
    assert original.key != dataclasses.replace(original, suite="toy/other-v1").key


def test_an_unknown_parameter_is_named_with_what_comes_near() -> None:
    with pytest.raises(KeyError, match="goal_x"):
        task(goal_x=0.5)["goal_z"]


def test_the_hash_of_a_list_depends_on_its_tasks_and_their_order() -> None:
    first, second = task(goal_x=0.0), task(goal_x=1.0)

    assert hash_tasks([first, second]) == hash_tasks([first, second])
    assert len({hash_tasks(tasks) for tasks in ([first], [second], [first, second], [second, first])}) == 4


def test_normalised_scores_are_0_for_random_and_1_for_the_expert() -> None:
    references = References(random=-20.0, expert=-5.0, random_source="", expert_source="")

    assert [references.normalise(value) for value in (-20.0, -12.5, -5.0, 10.0)] == [0.0, 0.5, 1.0, 2.0]


def test_kinds_are_encoded_one_hot_beside_numbers() -> None:
    kind = Parameter(name="kind", unit="1", low=0.0, high=0.0, meaning="terrain", choices=("flat", "stairs", "waves"))
    height = Parameter(name="height", unit="m", low=0.0, high=1.0, meaning="of a step")
    spec = dataclasses.replace(POINT_ROBOT, parameters=(kind, height))

    assert spec.privileged_width == 4
    np.testing.assert_array_equal(spec.encode(task(kind="stairs", height=0.25)), [0.0, 1.0, 0.0, 0.25])


def test_the_family_is_the_part_before_the_slash() -> None:
    assert POINT_ROBOT.family == "toy"


@pytest.mark.parametrize("split", ["train", "testing"])
def test_a_split_without_a_frozen_list_is_refused_by_name(split: str) -> None:
    with pytest.raises(ContractError, match=f"no frozen list '{split}'; expected one of validation, test, test_ood"):
        make_suite("toy/point-robot-v1").tasks(split)  # type: ignore[arg-type]
