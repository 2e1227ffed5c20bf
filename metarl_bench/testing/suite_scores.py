"""Checks of suites: failing and giving up never pay."""

from __future__ import annotations

import numpy as np

from metarl_bench.tasks import Suite
from metarl_bench.testing.conformance import expect
from metarl_bench.testing.scripted import Script, ScriptedAgent, play_trials, random_script
from metarl_bench.trials import MetaTest

NUM_TASKS = 10


def failing_never_pays(suite: Suite) -> None:
    """An agent whose actions are NaN scores below random, and no episode falls below the failure return."""
    spec = suite.spec
    random = _play(suite, random_script(spec, seed=0))
    failing = _play(
        suite, lambda observations, episode, step: np.full((len(observations), *spec.action_space.shape), np.nan)
    )
    lowest = min(row["return"] for row in random.rows)
    expect(
        spec.failure_return < lowest,
        f"failure_return is {spec.failure_return}, but random play got {lowest}; make it a lower bound of any return.",
    )
    expect(all(row["failed"] and not row["success"] for row in failing.rows), "Episodes with NaN actions did not fail.")
    means = [float(np.mean([row["return"] for row in found.rows])) for found in (failing, random)]
    expect(means[0] < means[1], f"Failing scores {means[0]}, random play {means[1]}; expected failing to be worse.")


def ending_early_never_pays(suite: Suite) -> None:
    """Among scripted episodes without success, those that end soonest earn no more than those that last longest."""
    spec = suite.spec
    scripts = [random_script(spec, seed=1), *(_steady(suite, share) for share in (0.0, 0.5, 1.0))]
    rows = [row for script in scripts for row in _play(suite, script).rows if not row["success"]]
    lengths = np.array([row["length"] for row in rows])
    returns = np.array([row["return"] for row in rows])
    if len(rows) == 0 or lengths.min() == lengths.max():
        return
    short, long = lengths <= np.quantile(lengths, 0.25), lengths >= np.quantile(lengths, 0.75)
    if lengths[short].mean() == lengths[long].mean():
        return
    early, late = float(returns[short].mean()), float(returns[long].mean())
    expect(
        early <= late,
        f"Episodes that end after {lengths[short].mean():.0f} steps earn {early:.3g}, those that last "
        f"{lengths[long].mean():.0f} steps {late:.3g}; let termination cost what the rest of the episode could.",
    )


def _steady(suite: Suite, share: float) -> Script:
    """Returns the script of one action: that share of the way from the lowest to the highest."""
    low, high = suite.spec.action_space.low, suite.spec.action_space.high
    action = low + share * (high - low)
    return lambda observations, episode, step: np.tile(action, (len(observations), 1))


def _play(suite: Suite, script: Script) -> MetaTest:
    return play_trials(ScriptedAgent(script), suite, adaptation_episodes=0, evaluation_episodes=2, num_tasks=NUM_TASKS)
