"""The contract, for every suite of the family; each check that does not fit has its own form here."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import RandomForestRegressor

from metarl_bench.registry import SUITES, make_suite
from metarl_bench.testing import Check, CheckFailed, suite_checks
from metarl_bench.testing.rollouts import random_actions, ready
from metarl_bench.testing.suite_scores import references_are_far_apart
from metarl_suites.manipulation.experts import expert_actions
from metarl_suites.manipulation.goals import GOALS_PER_KIND
from tests.suites.library import LIGHT

pytestmark = pytest.mark.filterwarnings("ignore:Constant")
# Those of objects are checked in test_objects.py.
IDS = [spec.id for spec in SUITES.all() if spec.id.startswith("manipulation/ml")]
# Meta-World shows where the object starts, which is part of the goal vector; not every two goal vectors can be mixed;
# what is not touched at random does not change; and some experts are paid little. See the tests below.
DIFFERENT = {
    "first_observations_do_not_tell_the_task",
    "every_parameter_matters",
    "observations_that_never_change_are_declared",
    "references_are_far_apart",
}
# Kinds whose expert always, or nearly so, succeeds, but in ways that Meta-World's reward pays little for: random play
# and the expert are less than a fifth of the 5000 that could be paid apart. Success is their score. May only shrink.
LITTLE_PAID = {
    f"manipulation/ml1-{kind}-v1"
    for kind in (
        "button-press",
        "coffee-button",
        "handle-press",
        "handle-press-side",
        "lever-pull",
        "push-back",
        "stick-pull",
    )
}
# Minutes of episodes that no kind ends early: once is enough.
SLOW = {"failing_never_pays", "ending_early_never_pays"}
# With a goal of its own and without, a hinge, a second object, contacts of the fingers that count, a place in memory
# that stays empty, and all mixed.
OFTEN = [
    *(f"manipulation/ml1-{kind}-v1" for kind in ("push", "reach", "door-open", "hammer", "stick-push", "box-close")),
    *(f"manipulation/{name}-v1" for name in ("ml10", "ml25", "ml45")),
]
AT_LENGTH = "manipulation/ml1-push-v1"


def is_quick(suite_id: str, check: str) -> bool:
    """Returns whether `make test` runs a check; `make results` runs them all."""
    if check in SLOW:
        return suite_id == AT_LENGTH
    return suite_id in OFTEN or check in LIGHT


CHECKS = [
    pytest.param(
        check,
        id=f"{suite_id}-{check}",
        marks=() if is_quick(suite_id, str(check)) else pytest.mark.learning,
    )
    for suite_id in IDS
    for check in suite_checks(suite_id, deterministic=True)
    if str(check) not in DIFFERENT
]


@pytest.mark.parametrize("check", CHECKS)
def test_suite(check: Check) -> None:
    check()


def test_experts_and_random_play_are_far_apart_but_where_the_reward_pays_the_expert_little() -> None:
    near = set()
    for suite_id in IDS:
        try:
            references_are_far_apart(make_suite(suite_id))
        except CheckFailed:
            near.add(suite_id)
    assert near == LITTLE_PAID


@pytest.mark.parametrize(
    "suite_id", [pytest.param(name, marks=() if name in OFTEN else pytest.mark.learning) for name in IDS]
)
def test_observations_that_neither_chance_nor_the_expert_changes_are_declared(suite_id: str) -> None:
    suite = make_suite(suite_id)
    # Ten goals of one kind, or one goal of each kind: there are 50 goals a kind, one kind behind the other.
    train, test = suite.tasks("train"), suite.tasks("test")
    tasks = train[::5] if len(train) == GOALS_PER_KIND else train[::GOALS_PER_KIND] + test[::GOALS_PER_KIND]
    worlds = ready(suite, tasks)
    seen = []
    for random in random_actions(suite.spec, 2000 // len(tasks), len(tasks), purpose="constant"):
        actions = expert_actions(worlds).astype(np.float64)
        actions[::2] = random[::2]
        seen.append(worlds.step(actions)[0])
    worlds.close()
    flat = np.concatenate(seen)
    constant = tuple(np.flatnonzero((flat == flat[0]).all(axis=0)).tolist())
    assert constant == tuple(sorted(suite.spec.constant_observations))


def test_first_observations_do_not_tell_a_goal_apart_from_the_object() -> None:
    suite = make_suite("manipulation/ml1-reach-v1")
    tasks = [*suite.tasks("train"), *suite.tasks("test"), *suite.tasks("validation")]
    worlds = suite.make_worlds(len(tasks))
    worlds.set_tasks(tasks)
    observations, _ = worlds.reset(seed=0)
    worlds.close()
    half = len(tasks) // 2
    for name in ("goal_x", "goal_z"):
        values = np.array([task.number(name) for task in tasks])
        forest = RandomForestRegressor(n_estimators=20, min_samples_leaf=5, random_state=0, n_jobs=1)
        forest.fit(observations[:half], values[:half])
        assert forest.score(observations[half:], values[half:]) <= 0.05


def test_the_goal_is_never_observed() -> None:
    suite = make_suite("manipulation/ml10-v1")
    worlds = suite.make_worlds(10, num_threads=1)
    worlds.set_tasks(suite.tasks("train")[::50])
    observations, _ = worlds.reset(seed=0)
    assert not observations[:, 36:].any()
    observations, *_ = worlds.step(np.ones((10, 4)))
    assert not observations[:, 36:].any()


def test_another_goal_gives_another_episode() -> None:
    suite = make_suite("manipulation/ml1-reach-v1")
    first, second = suite.task("train", 0, **GOAL), suite.task("train", 0, **{**GOAL, "goal_z": 0.3})
    worlds = suite.make_worlds(2, num_threads=1)
    worlds.set_tasks([first, second])
    worlds.reset(seed=0)
    observations, rewards, *_ = worlds.step(np.zeros((2, 4)))
    assert np.array_equal(observations[0], observations[1])
    assert rewards[0] != rewards[1]


GOAL = {"object_x": 0.0, "object_y": 0.6, "goal_x": 0.1, "goal_y": 0.85, "goal_z": 0.1}
