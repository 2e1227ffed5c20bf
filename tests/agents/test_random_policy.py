"""The random agent: uniform actions, and the references that it stands for."""

import numpy as np
import pytest

from metarl_agents.random_policy import RANDOM
from metarl_bench.agents import TrialShape
from metarl_bench.registry import make_config, make_suite
from metarl_bench.testing import play_trials


def make_agent(suite_id: str):
    suite = make_suite(suite_id)
    trial = TrialShape(adaptation_episodes=1, evaluation_episodes=1, horizon=suite.spec.horizon)
    return RANDOM.build(suite.spec, trial, make_config(RANDOM, suite.spec), np.random.default_rng(0))


def test_actions_fill_the_action_space_evenly() -> None:
    adaptation = make_agent("toy/point-robot-v1").start_trials(1000, rng=np.random.default_rng(0))
    observations, active = np.zeros((1000, 2), np.float32), np.ones(1000, np.bool_)

    actions = np.stack([adaptation.act(observations, active=active, explore=True) for _ in range(20)])

    counts = np.histogram(actions, bins=10, range=(-1.0, 1.0))[0]
    assert actions.shape == (20, 1000, 2)
    assert counts.sum() == actions.size
    np.testing.assert_allclose(counts, actions.size / 10, rtol=0.1)


@pytest.mark.parametrize("suite_id", ["toy/point-robot-v1", "toy/sparse-point-robot-v1"])
def test_it_scores_zero_at_every_shot(suite_id: str) -> None:
    suite = make_suite(suite_id)
    assert suite.spec.references is not None

    found = play_trials(make_agent(suite_id), suite, adaptation_episodes=1, num_tasks=30, num_trials=1500)

    for shot in (0, 1):
        returns = [row["return"] for row in found.rows if row["shot"] == shot and row["phase"] == "evaluation"]
        assert suite.spec.references.normalise(float(np.mean(returns))) == pytest.approx(0.0, abs=0.05)
