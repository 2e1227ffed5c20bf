"""Meta-World's scripted experts solve its tasks in our worlds."""

from __future__ import annotations

import pytest

from metarl_bench.registry import make_suite
from metarl_suites.manipulation.experts import play_expert
from metarl_suites.manipulation.kinds import KINDS

pytestmark = pytest.mark.filterwarnings("ignore:Constant")


@pytest.mark.parametrize("kind", ["reach", "push", "pick-place"])
def test_the_expert_solves_what_is_trained_on_most(kind: str) -> None:
    suite = make_suite(f"manipulation/ml1-{kind}-v1")
    solved, returns = play_expert(suite, list(suite.tasks("test")[::10]))
    assert solved.mean() >= 0.8
    assert (returns > 0).all()
    assert (returns < suite.spec.best_return).all()


@pytest.mark.learning
@pytest.mark.parametrize("kind", KINDS)
def test_the_expert_solves_a_kind(kind: str) -> None:
    suite = make_suite(f"manipulation/ml1-{kind}-v1")
    solved, returns = play_expert(suite, list(suite.tasks("test")[::2]))
    assert solved.mean() >= 0.8
    assert suite.spec.failure_return < returns.min()
    assert returns.max() <= suite.spec.best_return
