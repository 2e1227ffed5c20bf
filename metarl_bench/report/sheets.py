"""What people read of a leaderboard: columns, formatted numbers and notes, the same for every format.

Names are only shortened here; whoever renders a sheet escapes them for its format.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, Literal

import pandas as pd

from metarl_bench.leaderboard import split_tables
from metarl_bench.protocols import find_published
from metarl_bench.report.escaping import shorten
from metarl_bench.rows import NAN, RANKED_SEEDS

Row = dict[str, Any]
Column = tuple[str, Callable[[Row], str]]
Kind = Literal["scores", "generalisation", "efficiency", "seeds"]
PROVISIONAL = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One table for people.

    Attributes:
        kind: What it shows.
        title: One line.
        headers: Of the columns.
        rows: Formatted cells.
        left: How many columns from the left hold text; the others hold numbers.
        notes: Sentences below the table.
    """

    kind: Kind
    title: str
    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left: int
    notes: tuple[str, ...]


def make_sheets(board: pd.DataFrame) -> list[Sheet]:
    """Returns three sheets for each digest of a leaderboard: the scores, where they hold, and what they cost."""
    sheets = []
    for table in split_tables(board):
        rows: list[Row] = [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]
        sheets += [
            _sheet("scores", rows, _score_columns(rows), _score_notes(rows)),
            _sheet("generalisation", rows, _generalisation_columns(rows), _GENERALISATION_NOTES),
            _sheet("efficiency", rows, _efficiency_columns(rows), _efficiency_notes(rows)),
        ]
    return sheets


def table_title(row: Row) -> str:
    """Returns what the table of a row is about."""
    return f"{row['suite']}, {row['protocol']}, {row['checkpoint_steps']:,} training steps"


def format_steps(value: float) -> str:
    """Returns a checkpoint's steps in thousands or millions, without rounding."""
    if not isfinite(value):
        return ""
    return f"{value / 1e6:.12g}M" if value >= 1e6 else f"{value / 1e3:.12g}k"


def _sheet(kind: Kind, rows: Sequence[Row], columns: Sequence[Column], notes: Sequence[str]) -> Sheet:
    names: list[Column] = [("#", lambda row: "" if pd.isna(row["rank"]) else str(row["rank"])), ("agent", _name)]
    if len({row["source"] for row in rows}) > 1:
        names.append(("source", lambda row: shorten(row["source"])))
    chosen = [*names, *columns]
    cells = [tuple(show(row) for _, show in chosen) for row in rows]
    # A column that no row fills only costs width.
    kept = [i for i in range(len(chosen)) if i < len(names) or any(row[i] for row in cells)]
    title = table_title(rows[0])
    return Sheet(
        kind=kind,
        title=title if kind == "scores" else f"{title}: {kind}",
        headers=tuple(chosen[i][0] for i in kept),
        rows=tuple(tuple(row[i] for i in kept) for row in cells),
        left=len(names),
        notes=tuple(notes),
    )


def _name(row: Row) -> str:
    mark = " (privileged)" if row["division"] == "privileged" else " (extra data)" if row["extra_data"] else ""
    return f"{shorten(row['name'])}{mark}"


def _score_columns(rows: Sequence[Row]) -> list[Column]:
    number = score_format(rows)
    # The last shot is the score, unless that is of the whole trial; where there are many, the first two tell enough.
    count = max(len(row["shots"]) for row in rows)
    shown = [shot for shot in range(count) if count <= 4 or shot in (0, 1, count - 1)]
    if rows[0]["score_rule"] == "last":
        shown = shown[:-1]
    return [
        ("seeds", _seeds),
        ("score", lambda row: number(row["score"])),
        ("95 % interval", lambda row: _interval(row, number)),
        *((f"shot {shot}", _at("shots", shot, number)) for shot in shown),
        ("gain", lambda row: number(row["gain"])),
        ("norm.", lambda row: _fixed(row["normalised"], 2)),
        ("provenance", _provenance),
    ]


def _provenance(row: Row) -> str:
    """Returns the way from the row to its proof: the digest of its rules, then the hash of its evidence."""
    if not row["verified"]:
        return "unverified"
    shown = row["evidence"][:8] if row["checkpoint_steps"] == row["budget"] else "final only"
    return f"{row['digest'][:6]} {shown}"


def _generalisation_columns(rows: Sequence[Row]) -> list[Column]:
    number = score_format(rows)
    # Zeros all the way down: most likely the suite has no success, and they would look like failures.
    succeeds = any(row["success"] > 0.0 for row in rows)
    return [
        ("score", lambda row: number(row["score"])),
        ("worst decile", lambda row: number(row["worst_decile"])),
        ("train", lambda row: number(row["train"])),
        ("train - test", lambda row: number(row["train_gap"])),
        ("test_ood", lambda row: number(row["test_ood"])),
        ("test - test_ood", lambda row: number(row["ood_gap"])),
        ("success rate", lambda row: _fixed(row["success"], 2) if succeeds else ""),
    ]


def _efficiency_columns(rows: Sequence[Row]) -> list[Column]:
    number = score_format(rows)
    return [
        ("area", lambda row: number(row["area"])),
        ("steps to 50 %", lambda row: format_steps(row["steps_to_50"])),
        ("steps to 90 %", lambda row: format_steps(row["steps_to_90"])),
        ("failed episodes", lambda row: f"{row['failed_episodes']:,}" if row["seeds"] else ""),
        # An agent that does not train has no speed.
        ("steps/s", lambda row: _fixed(row["steps_per_second"] or NAN, 0)),
        ("minutes", lambda row: _fixed(row["seconds"] / 60, 1)),
        ("peak MiB", lambda row: _fixed(row["peak_memory_mib"], 0)),
    ]


def _score_notes(rows: Sequence[Row]) -> list[str]:
    first = rows[0]
    shots = len(next((row["online"] for row in rows if row["online"]), ()))
    what = "Success rate" if first["measure"] == "success" else "Return"
    when = f"the evaluation episodes after {shots} adaptation episode{'' if shots == 1 else 's'}"
    if first["score_rule"] == "trial":
        when = f"all {shots} adaptation episodes"
    notes = [
        f"Protocol {first['protocol']}, digest {first['digest']}; {first['primary_split']} tasks of {first['suite']}; "
        f"agents frozen at {first['checkpoint_steps']:,} of {first['budget']:,} training steps.",
        f"Score: {what.lower()} of {when}, averaged over a seed's tasks and trials, then the interquartile mean over "
        "seeds. Intervals: bootstrap over whole seeds. Gain: last shot minus shot 0, within each seed.",
    ]
    notes += published_note(first)
    if first["references"]:
        notes.append(f"Norm.: normalised score, 0 is random, 1 the expert (references {first['references']}).")
    notes += [text for applies, text in _markings(rows) if applies]
    phrases = [phrase for row in rows for phrase in left_out(row)]
    if phrases:
        notes.append(f"Left out: {'; '.join(phrases)}.")
    return notes


def published_note(row: Row) -> list[str]:
    """Returns what was published for a row's protocol and checkpoint; nothing if nothing was."""
    published, number = find_published(row["protocol"], row["checkpoint_steps"]), score_format([row])
    if published is None:
        return []
    return [
        f"Published: {published.agent} {number(published.score)} at {published.steps:,} steps; "
        f"{number(published.lowest)} or more agrees with it. Source: {published.source}."
    ]


def left_out(row: Row) -> list[str]:
    """Returns one phrase per reason, with the seeds that it holds for."""
    reasons: dict[str, list[str]] = {}
    for seed, reason in row["excluded"]:
        reasons.setdefault(reason, []).append(str(seed))
    where = f"{shorten(row['name'])} in {shorten(row['source'])}"
    return [f"{where}, seed {', '.join(seeds)} ({reason})" for reason, seeds in reasons.items()]


def _markings(rows: Sequence[Row]) -> list[tuple[bool, str]]:
    return [
        (not rows[0]["suite_ranked"], "This suite is for tests or not installed here: its agents are not ranked."),
        (
            not rows[0]["new_test_tasks"],
            "Known tasks: this suite has a handful of tasks, and all but those of test_ood are trained on.",
        ),
        (
            any(row["provisional"] and row["seeds"] for row in rows),
            f"{PROVISIONAL} Provisional: fewer than {RANKED_SEEDS} seeds, so never ranked; intervals of 3 and 5 seeds "
            "cover about 74 and 89 %.",
        ),
        (
            any(row["division"] == "privileged" for row in rows),
            "Privileged agents see the task's parameters: a reference, never ranked.",
        ),
        (
            any(row["extra_data"] for row in rows),
            "Extra data: learned from more than the protocol's training steps, so never ranked.",
        ),
        (
            any(row["verified"] for row in rows),
            "Provenance: first digits of the digest of the rules, and of the hash over the evidence of the runs, which "
            "was replayed; final only where the score shown is of an earlier checkpoint, which nobody replayed.",
        ),
    ]


_GENERALISATION_NOTES = (
    "Worst decile: mean of the worst tenth of the tasks. Train and test_ood: the score on training tasks and on tasks "
    "outside the training distribution, measured at the final checkpoint only; the differences are within each seed. "
    "Success rate: left out where nobody has one, or the suite none.",
)


def _efficiency_notes(rows: Sequence[Row]) -> list[str]:
    start = "the random reference" if rows[0]["references"] else "the lowest score"
    machines = Counter(_machine(fingerprint) for row in rows for fingerprint in row["fingerprints"])
    notes = [
        "Area: mean score over the logarithm of training steps. Steps to 50 and 90 %: first checkpoint at that part of "
        f"the way from {start} to the best score of this table. Failed episodes: recorded with the suite's failure "
        "return. Per seed: environment steps a second of training and minutes of training and meta-tests so far "
        "(medians), peak memory (maximum).",
    ]
    if machines:
        counted = "; ".join(f"{machine} ({runs} runs)" for machine, runs in sorted(machines.items()))
        notes.append(f"Machines: {counted}.")
    return notes


def _seeds(row: Row) -> str:
    return f"{len(row['seeds'])}{PROVISIONAL if row['provisional'] and row['seeds'] else ''}"


def _machine(fingerprint: dict[str, Any]) -> str:
    return f"{shorten(str(fingerprint.get('cpu', 'unknown processor')))}, {fingerprint.get('cores', 'unknown')} cores"


def _at(column: str, position: int, number: Callable[[float], str]) -> Callable[[Row], str]:
    return lambda row: number(row[column][position]) if position < len(row[column]) else ""


def _interval(row: Row, number: Callable[[float], str]) -> str:
    if not row["seeds"]:
        return ""
    return f"{number(row['low'])} to {number(row['high'])}" if isfinite(row["low"]) else "n/a"


def score_format(rows: Sequence[Row]) -> Callable[[float], str]:
    """Returns a format with the same number of decimals for all scores of a table: about three digits."""
    largest = max((abs(row["score"]) for row in rows if isfinite(row["score"])), default=0.0)
    decimals = 3 if largest <= 1 else 2 if largest < 10 else 1
    return lambda value: _fixed(value, decimals)


def _fixed(value: float, decimals: int) -> str:
    return f"{value:,.{decimals}f}" if isfinite(value) else ""
