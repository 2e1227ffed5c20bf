"""One agent seed by seed: what a reader compares a run of their own with."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

import pandas as pd

from metarl_bench.leaderboard import split_tables
from metarl_bench.report.escaping import shorten
from metarl_bench.report.sheets import Row, Sheet, format_steps, left_out, published_note, score_format, table_title

# Where a trial has many adaptation episodes, these and the last shot tell enough.
SHOTS = (0, 1, 2, 5, 10)
EARLIER = 3  # checkpoints before the one that is shown


def make_seed_sheets(board: pd.DataFrame) -> list[Sheet]:
    """Returns one sheet for each row of a leaderboard that has a complete seed: its seeds, and their mean."""
    sheets = []
    for table in split_tables(board):
        rows: list[Row] = [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]
        sheets += [_sheet(row) for row in rows if row["seeds"]]
    return sheets


def _sheet(row: Row) -> Sheet:
    number = score_format([row])
    names, by_seed = _columns(row)
    lines = [(str(seed), *map(number, values)) for seed, values in zip(row["seeds"], by_seed, strict=True)]
    if len(lines) > 1:
        lines.append(("mean", *(number(statistics.fmean(column)) for column in zip(*by_seed, strict=True))))
    shot = "" if row["score_rule"] == "trial" else "Shot k: after k adaptation episodes. "
    notes = [
        f"{shot}Columns with steps: the score at earlier checkpoints. Each number is a mean over the "
        f"{row['primary_split']} tasks and their trials.",
        *published_note(row),
        *(f"Left out: {phrase}." for phrase in left_out(row)),
    ]
    return Sheet(
        kind="seeds",
        title=f"{shorten(row['name'])}: {table_title(row)}",
        headers=("seed", *names),
        rows=tuple(lines),
        left=1,
        notes=tuple(notes),
    )


def _columns(row: Row) -> tuple[list[str], list[Sequence[float]]]:
    """Returns the headers, and their values for each seed."""
    last = len(row["shots"]) - 1
    shots = sorted({*(shot for shot in SHOTS if shot < last), last} if last >= 0 else ())
    # The last shot is the score, unless that is of the whole trial.
    names = [f"shot {shot}" for shot in shots] if row["score_rule"] == "last" else ["score"]
    earlier = list(range(len(row["curve_steps"]) - 1))[-EARLIER:]
    by_seed: list[Sequence[float]] = []
    for score, at_shots, curve in zip(row["score_by_seed"], row["shots_by_seed"], row["curve_by_seed"], strict=True):
        first = [at_shots[shot] for shot in shots] if row["score_rule"] == "last" else [score]
        by_seed.append([*first, *(curve[place] for place in earlier)])
    return [*names, *(format_steps(row["curve_steps"][place]) for place in earlier)], by_seed
