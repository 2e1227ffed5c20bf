"""From records to leaderboards: one row per agent, configuration and source; one table per digest.

Results are comparable if and only if their digests match, so different digests never share a table. A row holds only
seeds whose meta-test is complete at the checkpoint shown; the others are named, never averaged in.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from metarl_bench.errors import ConfigError, UnknownIdError
from metarl_bench.registry import SUITES
from metarl_bench.rows import NAN, ROW_COLUMNS, Found, make_row
from metarl_bench.scores import ROW_KEY, score_seeds
from metarl_bench.statistics import steps_to
from metarl_bench.tasks import References, Split, SuiteSpec

COLUMNS = [
    *ROW_COLUMNS,
    "name",  # the agent; with its configuration's digest where two of them meet
    "source",  # the root's last folder; the whole root where two of them are called the same
    "rank",  # <NA> for rows that are shown without a rank
    "suite_ranked",
    "new_test_tasks",  # whether no test task is a training task; True where the suite is not installed
    "references",  # their hash; "" where the score cannot be normalised
    "steps_to_50",  # first checkpoint half way from the random reference (or the table's lowest score) to its best
    "steps_to_90",
]


def leaderboard(
    results: pd.DataFrame,
    cells: pd.DataFrame,
    *,
    checkpoint: int | None = None,
    primary_split: Split = "test",
) -> pd.DataFrame:
    """Returns one row per (protocol, digest, suite, agent, configuration, root), best first within each digest.

    Rows with fewer than 10 complete seeds, agents that are privileged or have extra data, and suites that are not
    ranked or not installed are shown and sorted, but have no rank.

    Args:
        results: Episodes, as ``load_results`` returns them.
        cells: Run folders, as ``load_cells`` returns them.
        checkpoint: Environment steps to show every row at, so that unfinished runs can be compared; None shows the
            final checkpoint. Protocols without that checkpoint are left out.
        primary_split: ``validation`` shows the runs that chose settings, and only those.

    Returns:
        Frame with the columns ``COLUMNS``.

    Raises:
        ConfigError: If no protocol has the checkpoint.
        RecordError: If a return is NaN or infinite.
    """
    cells = cells[np.array([covers["primary_split"] == primary_split for covers in cells["covers"]], dtype=np.bool_)]
    covers: dict[str, Any] = dict(zip(cells["digest"], cells["covers"], strict=True))
    _check_checkpoint(checkpoint, covers)
    wanted = results["digest"].isin(list(covers)) & results["agent"].isin(cells["agent"].unique())
    found = score_seeds(results[wanted], covers)
    tables = [
        _table(folders, found, checkpoint or covers[str(digest)]["budget"])
        for digest, folders in cells.groupby("digest", observed=True)
        if checkpoint in (None, *covers[str(digest)]["checkpoints"])
    ]
    if not tables:
        return pd.DataFrame(columns=COLUMNS)
    tables.sort(key=lambda table: tuple(table[["protocol", "suite", "digest"]].iloc[0]))
    return pd.concat(tables, ignore_index=True)


def split_tables(board: pd.DataFrame) -> list[pd.DataFrame]:
    """Returns one frame per digest, in the order of the board."""
    return [table.reset_index(drop=True) for _, table in board.groupby("digest", sort=False)]


def references_hash(references: References) -> str:
    """Returns a short hash of the two references and where they come from."""
    values = [references.random, references.expert, references.random_source, references.expert_source]
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()[:12]


def find_suite(suite_id: str) -> SuiteSpec | None:
    """Returns the suite's spec; None if it is not installed, since records can be read without it."""
    try:
        return SUITES.get(suite_id)
    except UnknownIdError:
        return None


def _check_checkpoint(checkpoint: int | None, covers: Mapping[str, Mapping[str, Any]]) -> None:
    known = sorted({steps for rules in covers.values() for steps in rules["checkpoints"]})
    if checkpoint is not None and covers and checkpoint not in known:
        raise ConfigError(
            f"No results have a checkpoint at {checkpoint} steps; expected one of {', '.join(map(str, known))}."
        )


def _table(folders: pd.DataFrame, found: Found, checkpoint: int) -> pd.DataFrame:
    """Returns the rows of one digest."""
    covers = folders["covers"].iloc[0]
    spec = find_suite(covers["suite"])
    # References are returns: a success rate needs none.
    references = spec.references if spec and covers["measure"] == "return" else None
    rows = [
        make_row(dict(zip(ROW_KEY, key, strict=True)), cells, found, checkpoint=checkpoint, references=references)
        for key, cells in folders.groupby(ROW_KEY, observed=True)
    ]
    _add_names(rows)
    _add_steps_to(rows, references)
    suite_ranked = spec is not None and spec.ranked
    for row in rows:
        row["suite_ranked"] = suite_ranked
        row["new_test_tasks"] = spec is None or spec.new_test_tasks
        row["references"] = references_hash(references) if references else ""
    # Names and sources order rows of the same score, and blank rows after all others.
    table = pd.DataFrame(rows).sort_values(["name", "source"]).sort_values("score", ascending=False, kind="stable")
    ranked = suite_ranked & ~table["provisional"] & (table["division"] != "privileged") & ~table["extra_data"]
    table["rank"] = table["score"].where(ranked).rank(method="min", ascending=False).astype("Int64")
    return table[COLUMNS]


def _add_names(rows: Sequence[dict[str, Any]]) -> None:
    configs = {(row["agent"], row["config_digest"]) for row in rows}
    agents = [agent for agent, _ in configs]
    roots = {str(row["root"]) for row in rows}
    folders = [Path(root).name for root in roots]
    for row in rows:
        agent, folder = row["agent"], Path(row["root"]).name
        row["name"] = f"{agent} (config {row['config_digest'][:6]})" if agents.count(agent) > 1 else agent
        row["source"] = folder if folder and folders.count(folder) == 1 else str(row["root"])


def _add_steps_to(rows: Sequence[dict[str, Any]], references: References | None) -> None:
    scores = [score for row in rows for score in row["curve"]]
    best = max(scores, default=NAN)
    floor = references.random if references else min(scores, default=NAN)
    for row in rows:
        for percent in (50, 90):
            target = floor + percent / 100 * (best - floor)
            steps = steps_to(row["curve_steps"], row["curve"], target=target) if row["curve"] and best > floor else None
            row[f"steps_to_{percent}"] = NAN if steps is None else steps
