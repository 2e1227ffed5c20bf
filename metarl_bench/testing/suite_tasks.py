"""Checks of suites: the task lists, their ranges, and that observations do not give tasks away."""

from __future__ import annotations

import itertools
import json
from unittest import SkipTest

import numpy as np
from numpy.typing import NDArray

from metarl_bench.tasks import SPLITS, Parameter, Split, Suite, Task
from metarl_bench.testing.conformance import expect
from metarl_bench.testing.rollouts import sample, seeds

NUM_SAMPLED = 200
NUM_LEAK_TASKS = 500
MOST_R2 = 0.05


def _lists(suite: Suite) -> dict[Split, tuple[Task, ...]]:
    splits = SPLITS if suite.spec.finite_tasks is not None else SPLITS[1:]
    return {split: suite.tasks(split) for split in splits}


def frozen_lists_are_stable(suite: Suite) -> None:
    """Each list is the same at every call, numbered from 0, of its split, and survives JSON."""
    for split, tasks in _lists(suite).items():
        expect(tasks == suite.tasks(split), f"Two calls of tasks({split!r}) differ; make it a function of constants.")
        places = [(task.split, task.index, task.suite) for task in tasks]
        expected = [(split, index, suite.spec.id) for index in range(len(tasks))]
        expect(places == expected, f"tasks({split!r}) has split, index and suite {places}; expected {expected}.")
        for task in tasks:
            back = Task.from_json(json.loads(json.dumps(task.to_json())))
            expect(back == task, f"{task} comes back from JSON as {back}; use numbers and text only.")
    expect(len(suite.tasks("test")) > 0, "The test list is empty.")
    expect(len(suite.tasks("validation")) > 0, "The validation list is empty; settings are chosen on it.")


def sampling_depends_on_the_generator_alone(suite: Suite) -> None:
    """sample_tasks repeats with an equal generator, differs with another, and can be continued."""
    first, again = sample(suite, 5, purpose="sampling"), sample(suite, 5, purpose="sampling")
    expect(first == again, "sample_tasks gives different tasks with equal generators; draw from the given rng.")
    expect(len(first) == 5, f"sample_tasks(5) gave {len(first)} tasks.")
    expect(all(task.split == "train" for task in first), "sample_tasks gave tasks that are not of the split 'train'.")
    many, others = (sample(suite, NUM_SAMPLED, purpose=purpose) for purpose in ("sampling", "other sampling"))
    keys = [[task.key for task in tasks] for tasks in (many, others)]
    expect(keys[0] != keys[1], "sample_tasks gives the same tasks with two generators; draw from the given rng.")


def splits_do_not_overlap(suite: Suite) -> None:
    """No task is in two splits, unless the spec says that test tasks are not new; those of test_ood always are."""
    keys = {split: {task.key for task in tasks} for split, tasks in _lists(suite).items()}
    keys["train"] = {task.key for task in sample(suite, NUM_SAMPLED, purpose="overlap")} | keys.get("train", set())
    finite = suite.spec.finite_tasks
    for first, second in itertools.combinations(keys, 2):
        if not (suite.spec.new_test_tasks or "test_ood" in (first, second)):
            continue
        common = sorted(keys[first] & keys[second])
        expect(not common, f"{first} and {second} share {len(common)} tasks, e.g. {common[:1]}; make them disjoint.")
    if finite is not None:
        expect(len(keys["train"]) == finite, f"finite_tasks is {finite}, but {len(keys['train'])} tasks were found.")


def tasks_are_in_the_declared_ranges(suite: Suite) -> None:
    """Tasks have the declared parameters, and those of train, validation and test lie in their ranges."""
    names = [parameter.name for parameter in suite.spec.parameters]
    tasks = [*itertools.chain(*_lists(suite).values()), *sample(suite, NUM_SAMPLED, purpose="ranges")]
    for task in tasks:
        got = [name for name, _ in task.params]
        expect(got == names, f"A {task.split} task has parameters {got}; expected {names}.")
        outside = [p for p in suite.spec.parameters if not _inside(p, task[p.name])]
        expect(
            not outside or task.split == "test_ood",
            f"{task.split} task {task.index} has {dict(task.params)}, outside the declared range of "
            f"{[p.name for p in outside]}.",
        )


def _inside(parameter: Parameter, value: float | str) -> bool:
    if parameter.choices:
        return value in parameter.choices
    return isinstance(value, float) and parameter.low <= value <= parameter.high


def first_observations_do_not_tell_the_task(suite: Suite) -> None:
    """A forest fitted on reset observations predicts no numeric parameter of held-out tasks."""
    try:
        from sklearn.ensemble import RandomForestRegressor
    except ImportError:
        raise SkipTest('scikit-learn is missing; pip install "metarl-bench[testing]".') from None
    tasks = sample(suite, NUM_LEAK_TASKS, purpose="leaks")
    observations = _first_observations(suite, tasks)
    half = NUM_LEAK_TASKS // 2
    for parameter in suite.spec.parameters:
        values = np.array([_as_number(parameter, task) for task in tasks])
        if np.ptp(values) == 0.0:
            continue
        forest = RandomForestRegressor(n_estimators=20, min_samples_leaf=5, random_state=0, n_jobs=1)
        forest.fit(observations[:half], values[:half])
        r2 = float(forest.score(observations[half:], values[half:]))
        expect(
            r2 <= MOST_R2,
            f"Reset observations tell {parameter.name} (held-out R2 {r2:.2f}, allowed {MOST_R2}); leave it out of the "
            "observation, or make the start independent of it.",
        )


def _first_observations(suite: Suite, tasks: list[Task]) -> NDArray[np.float32]:
    worlds = suite.make_worlds(len(tasks))
    worlds.set_tasks(tasks)
    observations, _ = worlds.reset(seed=seeds(len(tasks)))
    worlds.close()
    return observations


def _as_number(parameter: Parameter, task: Task) -> float:
    value = task[parameter.name]
    return float(parameter.choices.index(str(value)) if parameter.choices else value)
