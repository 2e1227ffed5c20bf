"""Records to one number per seed: whether a meta-test is complete, and what the agent scored in it.

A meta-test counts only if it holds exactly one record per (task, trial, shot, episode); what is incomplete is never
averaged over what is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from metarl_bench.errors import RecordError
from metarl_bench.statistics import worst_decile

Floats = NDArray[np.float64]

# What makes a row of a leaderboard; the root is part of it, so that own runs and shipped baselines stay apart.
ROW_KEY = ["protocol", "digest", "suite", "agent", "config_digest", "root", "division"]
MEASUREMENT_KEY = [*ROW_KEY, "seed", "split", "checkpoint_steps"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedScore:
    """What one seed scored in one complete meta-test; in units of the suite's measure (return or success rate).

    Attributes:
        score: The protocol's score: mean over tasks and trials.
        by_task: Its mean over the trials of each task, by the tasks' indices.
        shots: Mean of the evaluation episodes after 0..K adaptation episodes, [K + 1]; empty if there are none.
        online: Mean of each adaptation episode, [K].
        success: Success rate in the episodes that make the score.
        worst_decile: Mean score of the worst tenth of the tasks.
        failed_episodes: In the whole meta-test.
    """

    score: float
    by_task: tuple[float, ...]
    shots: tuple[float, ...]
    online: tuple[float, ...]
    success: float
    worst_decile: float
    failed_episodes: int


def score_seeds(
    results: pd.DataFrame, covers: Mapping[str, Mapping[str, Any]]
) -> dict[tuple[Any, ...], SeedScore | str]:
    """Returns what every measurement scored, or what is wrong with it.

    Args:
        results: Episodes, as ``load_results`` returns them.
        covers: What each digest covers.

    Returns:
        By the values of ``MEASUREMENT_KEY``: the score, or one phrase that says why there is none.

    Raises:
        RecordError: If a return is NaN or infinite.
    """
    _check_finite(results)
    found: dict[tuple[Any, ...], SeedScore | str] = {}
    for key, episodes in results.groupby(MEASUREMENT_KEY, observed=True, sort=False):
        values: tuple[Any, ...] = tuple(key)
        named = dict(zip(MEASUREMENT_KEY, values, strict=True))
        found[values] = _score(episodes, covers[named["digest"]], named["split"])
    return found


def score_run(results: pd.DataFrame, covers: Mapping[str, Any]) -> SeedScore:
    """Returns what one run scored at its final checkpoint, on the split that its rules are about.

    Args:
        results: The run's episodes, as ``load_results`` returns them.
        covers: What the run's digest covers.

    Raises:
        RecordError: If that meta-test is not complete, or a return is NaN or infinite.
    """
    final = results[(results["split"] == covers["primary_split"]) & (results["checkpoint_steps"] == covers["budget"])]
    found = list(score_seeds(final, dict.fromkeys(final["digest"], covers)).values())
    score = found[0] if len(found) == 1 else f"{len(found)} meta-tests"
    if isinstance(score, str):
        raise RecordError(f"The final meta-test has {score}; expected one that is complete. Repeat the run.")
    return score


def _check_finite(results: pd.DataFrame) -> None:
    broken = results[~np.isfinite(results["return"].to_numpy(dtype=np.float64))]
    if len(broken):
        first = broken.iloc[0]
        raise RecordError(
            f"{len(broken)} episodes have a return that is NaN or infinite, the first in {first['root']}: "
            f"{first['suite']}, {first['agent']}, seed {first['seed']}, {first['checkpoint_steps']} steps; expected "
            "finite returns (a failed episode has the suite's failure_return). Remove that run and repeat it."
        )


def _score(episodes: pd.DataFrame, covers: Mapping[str, Any], split: str) -> SeedScore | str:
    tasks = dict(covers["task_counts"]).get(split, 0)
    if not tasks:
        return f"the protocol has no {split} tasks"
    shots, repeats = covers["adaptation_episodes"], covers["evaluation_episodes"]
    shape = (2, shots + 1, tasks, max(1, covers["num_trials"] // tasks), max(1, repeats))
    slots = _slots(episodes, shape, repeats)
    if isinstance(slots, str):
        return slots

    def arranged(column: str) -> tuple[Floats, Floats]:
        values = np.full(shape, np.nan)
        values.flat[slots] = episodes[column].to_numpy(dtype=np.float64)
        return values[0, :shots, :, :, 0], values[1, :, :, :, :repeats]

    adaptation, evaluation = arranged(covers["measure"])
    by_task = _by_task(adaptation, evaluation, covers["score"])
    return SeedScore(
        score=float(by_task.mean()),
        by_task=tuple(by_task.tolist()),
        shots=tuple(evaluation.mean(axis=(1, 2, 3)).tolist()) if repeats else (),
        online=tuple(adaptation.mean(axis=(1, 2)).tolist()),
        success=float(_by_task(*arranged("success"), covers["score"]).mean()),
        worst_decile=worst_decile(by_task),
        failed_episodes=int(episodes["failed"].sum()),
    )


def _slots(episodes: pd.DataFrame, shape: tuple[int, ...], repeats: int) -> NDArray[np.int64] | str:
    """Returns each episode's place in an array of (phase, shot, task, trial, episode), or what is wrong with them."""
    _, shots_and_zero, tasks, trials, _ = shape
    shots = shots_and_zero - 1
    evaluation = (episodes["phase"] == "evaluation").to_numpy()
    # Tasks by the order of their indices: a protocol may select some of a suite's frozen list.
    task = np.unique(episodes["task"].to_numpy(dtype=np.int64), return_inverse=True)[1]
    shot, trial, episode = (episodes[name].to_numpy(dtype=np.int64) for name in ("shot", "trial", "episode"))
    known = (task < tasks) & (trial >= 0) & (trial < trials) & (shot >= 0) & (episode >= 0)
    known &= np.where(evaluation, (shot <= shots) & (episode < repeats), (shot < shots) & (episode < 1))
    if not known.all():
        return f"{np.count_nonzero(~known)} episodes that the protocol does not know"
    slots = np.ravel_multi_index((evaluation.astype(np.int64), shot, task, trial, episode), shape)
    duplicates = len(slots) - len(np.unique(slots))
    if duplicates:
        return f"{duplicates} duplicate episodes"
    expected = tasks * trials * (shots + (shots + 1) * repeats)
    return slots if len(slots) == expected else f"{len(slots)} of {expected} episodes"


def _by_task(adaptation: Floats, evaluation: Floats, rule: str) -> Floats:
    """Returns one score per task: of the evaluation episodes at the highest shot, or of the whole trial."""
    mean = adaptation.mean(axis=(0, 2)) if rule == "trial" else evaluation[-1].mean(axis=(1, 2))
    return np.asarray(mean, dtype=np.float64)
