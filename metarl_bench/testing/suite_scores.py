"""Checks of suites: failing and giving up never pay, and scores have a scale."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from metarl_bench.tasks import Suite
from metarl_bench.testing.conformance import expect
from metarl_bench.testing.scripted import Script, ScriptedAgent, play_trials, random_script
from metarl_bench.trials import MetaTest

NUM_TASKS = 10
LEAST_GAP = 0.2


def failing_never_pays(suite: Suite) -> None:
    """An agent whose actions are NaN scores below random, and no episode falls below the failure return."""
    spec = suite.spec
    random = _play(suite, random_script(spec, seed=0), num_trials=2 * NUM_TASKS)
    failing = _play(suite, _failing_script(suite), num_trials=2 * NUM_TASKS)
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
    found = _play(suite, _mixed_script(suite), num_trials=4 * NUM_TASKS)
    rows = [row for row in found.rows if not row["success"]]
    lengths = np.array([row["length"] for row in rows])
    returns = np.array([row["return"] for row in rows])
    if len(rows) == 0:
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


def references_are_far_apart(suite: Suite) -> None:
    """Random play and the expert, where they are known, differ by a fifth of the range of returns.

    The range is what an episode can pay beyond random play, ``reachable_return - random``, and no less than either
    reference. ``failure_return`` is no end of it: it lies below whatever is played, often by far.
    """
    spec, known = suite.spec, suite.spec.references
    best = spec.best_return if spec.reachable_return is None else spec.reachable_return
    if known is None:
        return
    gap = known.expert - known.random
    scale = max(abs(known.expert), abs(known.random), 0.0 if best is None else best - known.random)
    expect(
        gap >= LEAST_GAP * scale,
        f"The expert gets {known.expert}, random play {known.random}, and the most is {best}; expected a gap of at "
        f"least {LEAST_GAP * scale:.3g}. Make the task harder for random actions, or find a better expert.",
    )


def _failing_script(suite: Suite) -> Script:
    """Returns actions that are not a number."""
    return lambda observations, episode, step: np.full((len(observations), *suite.spec.action_space.shape), np.nan)


def _mixed_script(suite: Suite) -> Script:
    """Returns random actions in every fourth world, and in the others the lowest, middle and highest action."""
    low, high = suite.spec.action_space.low, suite.spec.action_space.high
    random = random_script(suite.spec, seed=1)

    def script(observations: NDArray[np.float32], episode: int, step: int) -> NDArray[np.float64]:
        actions: NDArray[np.float64] = random(observations, episode, step)
        for first, share in ((1, 0.0), (2, 0.5), (3, 1.0)):
            actions[first::4] = low + share * (high - low)
        return actions

    return script


def _play(suite: Suite, script: Script, *, num_trials: int) -> MetaTest:
    return play_trials(ScriptedAgent(script), suite, adaptation_episodes=0, num_tasks=NUM_TASKS, num_trials=num_trials)
