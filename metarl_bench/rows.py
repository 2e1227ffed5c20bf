"""From the scores of single seeds to one row of a leaderboard."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from metarl_bench import seeding
from metarl_bench.scores import ROW_KEY, SeedScore
from metarl_bench.statistics import area_over_log_steps, iqm, seed_interval
from metarl_bench.tasks import References, Split

Found = Mapping[tuple[Any, ...], SeedScore | str]

# Below this a row is provisional: intervals from fewer seeds cover well under what they say.
RANKED_SEEDS = 10
NAN = float("nan")

# Tuples are () and numbers NaN where a row has nothing to show. Columns with low and high are IQM over seeds.
ROW_COLUMNS = [
    *ROW_KEY,
    "provisional",  # fewer than RANKED_SEEDS seeds
    "seeds",
    "excluded",  # (seed, why) of each seed that is left out
    "primary_split",
    "checkpoint_steps",
    "budget",
    "horizon",
    "measure",  # "return" | "success"
    "score_rule",  # "last" | "trial"
    "score",
    "low",
    "high",
    "score_by_seed",
    "shots",  # score after 0..K adaptation episodes
    "shots_by_seed",
    "shots_low",
    "shots_high",
    "gain",  # score(K) - score(0), within each seed
    "online",  # of the adaptation episodes themselves, in order
    "online_low",
    "online_high",
    "normalised",  # 0 is the random reference, 1 the expert
    "success",
    "worst_decile",
    "train",
    "train_gap",  # train - test, within each seed
    "test_ood",
    "ood_gap",  # test - test_ood, within each seed
    "failed_episodes",
    "steps_per_second",
    "seconds",  # training and meta-tests of one seed
    "peak_memory_mib",
    "curve_steps",  # checkpoints up to the one shown
    "curve",  # score at each of them
    "curve_by_seed",
    "area",  # mean score over log steps
    "fingerprints",  # the machines
    "verified",  # every run that is shown was verified, and has not changed since
    "extra_data",  # learned from more than the protocol's training steps
    "evidence",  # a hash over the evidence of the runs; "" where one has none
]


def make_row(
    key: Mapping[str, Any],
    folders: pd.DataFrame,
    found: Found,
    *,
    checkpoint: int,
    references: References | None,
) -> dict[str, Any]:
    """Returns one row of a leaderboard.

    Args:
        key: The values of ``ROW_KEY``.
        folders: The row's run folders, as ``load_cells`` returns them.
        found: What ``score_seeds`` returned.
        checkpoint: Environment steps to show the row at.
        references: Of the suite; None where the score cannot be normalised.
    """
    covers = folders["covers"].iloc[0]
    split: Split = covers["primary_split"]
    prefix = tuple(key[name] for name in ROW_KEY)
    counted: dict[int, SeedScore] = {}
    excluded: list[tuple[int, str]] = []
    for seed in sorted(set(folders["seed"].tolist())):
        steps = int(folders.loc[folders["seed"] == seed, "steps"].max())
        score = _count(found.get((*prefix, seed, split, checkpoint)), seed, steps, covers)
        if isinstance(score, str):
            excluded.append((seed, score))
        else:
            counted[seed] = score
    row: dict[str, Any] = dict.fromkeys(ROW_COLUMNS, NAN) | {
        **key,
        "provisional": len(counted) < RANKED_SEEDS,
        "seeds": tuple(counted),
        "excluded": tuple(excluded),
        "primary_split": split,
        "checkpoint_steps": checkpoint,
        "budget": covers["budget"],
        "horizon": covers["horizon"],
        "measure": covers["measure"],
        "score_rule": covers["score"],
        **_summary(list(counted.values()), prefix[:5]),
        **_curve(prefix, list(counted), found, covers, checkpoint),
        **_gaps(prefix, counted, found, covers, checkpoint),
        **_costs(folders[folders["seed"].isin(list(counted))]),
    }
    if references:
        row["normalised"] = references.normalise(row["score"])
    return row


def _count(score: SeedScore | str | None, seed: int, steps: int, covers: Mapping[str, Any]) -> SeedScore | str:
    """Returns the score of a seed that counts, or why it does not."""
    if covers["primary_split"] == "test" and seed not in covers["seeds"]:
        return "not a seed of the protocol"
    if score is None:
        return f"trained for {steps:,} steps so far"
    return score


def _summary(scores: Sequence[SeedScore], key: tuple[str, ...]) -> dict[str, Any]:
    score, low, high = _over_seeds([(seed.score,) for seed in scores], key)
    shots, shots_low, shots_high = _over_seeds([seed.shots for seed in scores], key)
    online, online_low, online_high = _over_seeds([seed.online for seed in scores], key)
    return {
        "score": score[0] if score else NAN,
        "low": low[0] if low else NAN,
        "high": high[0] if high else NAN,
        "score_by_seed": tuple(seed.score for seed in scores),
        "shots": shots,
        "shots_by_seed": tuple(seed.shots for seed in scores),
        "shots_low": shots_low,
        "shots_high": shots_high,
        "gain": iqm([seed.shots[-1] - seed.shots[0] for seed in scores]) if shots else NAN,
        "online": online,
        "online_low": online_low,
        "online_high": online_high,
        "success": iqm([seed.success for seed in scores]) if scores else NAN,
        "worst_decile": iqm([seed.worst_decile for seed in scores]) if scores else NAN,
        "failed_episodes": sum(seed.failed_episodes for seed in scores),
    }


def _over_seeds(
    values: Sequence[tuple[float, ...]], key: tuple[str, ...]
) -> tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]:
    """Returns IQM, lower and upper ends of the columns of [seeds, columns]; NaN ends where there is no interval."""
    columns = list(zip(*values, strict=True))
    # The same resampling for every column: a score and the shot that it is get the same interval.
    ends = [seed_interval([column], rng=seeding.generator("intervals", *key)) or (NAN, NAN) for column in columns]
    return tuple(iqm(column) for column in columns), tuple(low for low, _ in ends), tuple(high for _, high in ends)


def _scores_at(
    prefix: tuple[Any, ...], seeds: Sequence[int], found: Found, split: str, checkpoint: int
) -> tuple[float, ...]:
    """Returns the score of every seed, or () unless all of them are complete."""
    scores = [found.get((*prefix, seed, split, checkpoint)) for seed in seeds]
    complete = [score.score for score in scores if isinstance(score, SeedScore)]
    return tuple(complete) if len(complete) == len(scores) else ()


def _curve(
    prefix: tuple[Any, ...], seeds: Sequence[int], found: Found, covers: Mapping[str, Any], checkpoint: int
) -> dict[str, Any]:
    steps = [step for step in covers["checkpoints"] if step <= checkpoint]
    points = {step: _scores_at(prefix, seeds, found, covers["primary_split"], step) for step in steps}
    points = {step: scores for step, scores in points.items() if scores}
    curve = tuple(iqm(scores) for scores in points.values())
    area = area_over_log_steps(list(points), curve) if points else None
    return {
        "curve_steps": tuple(points),
        "curve": curve,
        "curve_by_seed": tuple(zip(*points.values(), strict=True)),
        "area": NAN if area is None else area,
    }


def _gaps(
    prefix: tuple[Any, ...], counted: Mapping[int, SeedScore], found: Found, covers: Mapping[str, Any], checkpoint: int
) -> dict[str, Any]:
    """Returns the scores on other splits, which only the final checkpoint has."""
    tested = np.array([score.score for score in counted.values()])
    train = _scores_at(prefix, list(counted), found, "train", checkpoint)
    ood = _scores_at(prefix, list(counted), found, "test_ood", checkpoint)
    return {
        "train": iqm(train) if train else NAN,
        "train_gap": iqm(np.array(train) - tested) if train else NAN,
        "test_ood": iqm(ood) if ood else NAN,
        "ood_gap": iqm(tested - np.array(ood)) if ood else NAN,
    }


def _costs(folders: pd.DataFrame) -> dict[str, Any]:
    return {
        "steps_per_second": float(folders["steps_per_second"].median()),
        "seconds": float((folders["seconds"] + folders["meta_test_seconds"]).median()),
        "peak_memory_mib": float(folders["peak_memory_mib"].max()),
        "fingerprints": tuple(folders["fingerprint"]),
        "verified": bool(folders["verified"].all()) and len(folders) > 0,
        "extra_data": bool(folders["extra_data"].any()),
        "evidence": _combined(folders.sort_values("seed")["evidence"].tolist()),
    }


def _combined(hashes: Sequence[str]) -> str:
    return hashlib.sha256("".join(hashes).encode()).hexdigest() if hashes and all(hashes) else ""
