"""``metarl-bench leaderboard`` and ``metarl-bench plot``: from run folders to tables and figures."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import tyro

from metarl_bench.cli.text import fill_marked, say
from metarl_bench.errors import ConfigError, close_matches

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from metarl_bench.records import Damaged
    from metarl_bench.report.tables import MakeSheets

Roots = Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="FOLDER [FOLDER ...]")]
WIDE = 160  # columns, where no terminal says how many it has


class Records(NamedTuple):
    """Results as they lie in folders: one row a run, and one row an episode."""

    cells: pd.DataFrame
    results: pd.DataFrame


def leaderboard(
    roots: Roots,
    protocol: str | None = None,
    suite: str | None = None,
    agent: str | None = None,
    checkpoint: int | None = None,
    split: Literal["test", "validation"] = "test",
    details: bool = False,
    unverified: bool = False,
    format: Literal["terminal", "markdown", "csv", "latex"] = "terminal",  # noqa: A002 - the flag's name
    out: Path | None = None,
    into: Path | None = None,
) -> int:
    """Show the leaderboards of all results below some folders, one for each set of rules.

    Exit code 1 if runs were left out because they are damaged.

    Args:
        roots: Folders with results, such as runs or results.
        protocol: Only results of this protocol.
        suite: Only results of this suite.
        agent: Only this agent, seed by seed.
        checkpoint: Show every agent at this many training steps, so that unfinished runs can be compared.
        split: Tasks that were tested; validation shows the runs that chose settings.
        details: Show on the terminal, too, what the scores cost and where they hold; files always have it.
        unverified: Show runs that nobody has verified, such as your own, too.
        format: Of the tables.
        out: File to write instead of the terminal.
        into: Existing Markdown file: replaces what is between its lines leaderboard:begin and leaderboard:end.
    """
    from metarl_bench.storage import prepare_file, write_atomically

    if format == "terminal" and (out is not None or into is not None):
        raise ConfigError("A file got --format terminal; expected --format markdown, csv or latex.")
    if out is not None:
        prepare_file(out)
    damaged: Damaged = {}
    wanted = {"protocol": protocol, "suite": suite, "agent": agent}
    board = choose(read(roots, damaged), wanted, checkpoint=checkpoint, split=split, unverified=unverified)
    if format == "terminal":
        _print_terminal(board, by_seed=agent is not None, details=details)
        return int(bool(damaged))

    text = tables(board, format, by_seed=agent is not None)
    if into is not None:
        out, text = into, fill_marked(into, "leaderboard", text)
    if out is None:
        sys.stdout.write(text)
    else:
        write_atomically(out, text.encode())
        say(f"wrote {out}")
    return int(bool(damaged))


def plot(
    roots: Roots,
    out: Path,
    protocol: str | None = None,
    suite: str | None = None,
    checkpoint: int | None = None,
    unverified: bool = False,
) -> int:
    """Draw adaptation, within-trial reward and sample efficiency as PNG and PDF, and print their paths.

    Exit code 1 if runs were left out because they are damaged.

    Args:
        roots: Folders with results, such as runs or results.
        out: Folder of the figures.
        protocol: Only results of this protocol.
        suite: Only results of this suite.
        checkpoint: Draw every agent at this many training steps; the final checkpoint where left out.
        unverified: Draw runs that nobody has verified, such as your own, too.
    """
    from metarl_bench.leaderboard import split_tables
    from metarl_bench.records import load_within_trial
    from metarl_bench.report import figures
    from metarl_bench.storage import prepare_folder

    prepare_folder(out)
    damaged: Damaged = {}
    rewards = load_within_trial(*roots, damaged=damaged)
    wanted = {"protocol": protocol, "suite": suite}
    board = choose(read(roots, damaged), wanted, checkpoint=checkpoint, unverified=unverified)
    for table in split_tables(board):
        first = table.iloc[0]
        if not any(table["seeds"]):
            sys.stderr.write(f"{first['suite']}, {first['protocol']}: no run is complete yet; try --checkpoint.\n")
            continue
        # The digest, since one suite may have results under several rules.
        stem = f"{first['protocol']}-{first['suite']}-{first['digest'][:6]}".replace("/", "-")
        for name, figure in (
            ("adaptation", figures.adaptation_curve(table)),
            ("within-trial", figures.within_trial_curve(table, rewards)),
            ("sample-efficiency", figures.sample_efficiency_curve(table)),
        ):
            for path in figures.save_figure(figure, out / f"{stem}-{name}"):
                say(str(path))
    return int(bool(damaged))


def read(roots: Sequence[Path], damaged: Damaged) -> Records:
    """Returns all results below some folders; run folders that cannot be read are named and left out.

    Raises:
        ConfigError: If there are no folders.
    """
    from metarl_bench.records import load_cells, load_results

    if not roots:
        raise ConfigError("No folder was given; expected folders with results, such as: metarl-bench leaderboard runs")
    cells, results = load_cells(*roots, damaged=damaged), load_results(*roots, damaged=damaged)
    for error in damaged.values():
        sys.stderr.write(f"Left out, since it is damaged: {error}\n")
    return Records(cells[~cells["folder"].isin([str(folder) for folder in damaged])], results)


def choose(
    records: Records,
    wanted: Mapping[str, str | None],
    *,
    checkpoint: int | None = None,
    split: Literal["test", "validation"] = "test",
    unverified: bool = False,
) -> pd.DataFrame:
    """Returns the leaderboard of the results that have the wanted values, where they are not None.

    Raises:
        ConfigError: If there is nothing to show.
    """
    from metarl_bench.leaderboard import leaderboard as make_board

    cells = records.cells
    for column, value in wanted.items():
        known = sorted(set(cells[column]))
        if value is not None and value not in known:
            raise ConfigError(f"No results of {column} {value!r} there. {close_matches(value, known)}")
        cells = cells if value is None else cells[cells[column] == value]
    cells = cells[cells["primary_split"] == split]
    # Settings are chosen on validation tasks at home: nobody verifies that.
    if not unverified and split == "test":
        cells = _verified(cells)
    board = make_board(records.results, cells, checkpoint=checkpoint, primary_split=split)
    if board.empty:
        raise ConfigError(f"No results of {split} tasks there; expected run folders. Make one with: metarl-bench run")
    return board


def _verified(cells: pd.DataFrame) -> pd.DataFrame:
    """Returns the runs of rows that are verified as a whole; says how many are not."""
    from metarl_bench.scores import ROW_KEY

    verified = cells.groupby(ROW_KEY)["verified"].transform("all").astype(bool)
    hidden = cells[~verified].groupby(ROW_KEY).ngroups
    if hidden and not verified.any():
        raise ConfigError(
            f"None of the {hidden} rows is verified; expected some that are. Show them with --unverified; "
            "metarl-bench pack, verify and add make rows that others can trust."
        )
    if hidden:
        sys.stderr.write(f"Not shown: {hidden} rows that nobody has verified; --unverified shows them.\n")
    return cells[verified]


def tables(board: pd.DataFrame, format: Literal["markdown", "csv", "latex"], *, by_seed: bool) -> str:  # noqa: A002 - as the flag
    """Returns a leaderboard as text; with ``by_seed`` one agent seed by seed."""
    from metarl_bench.report.tables import to_csv, to_latex, to_markdown

    if format == "csv":
        return to_csv(board)
    return {"markdown": to_markdown, "latex": to_latex}[format](board, _maker(by_seed=by_seed))


def _print_terminal(board: pd.DataFrame, *, by_seed: bool, details: bool) -> None:
    from rich.console import Console

    from metarl_bench.report.tables import to_terminal

    # A pipe has no width, and tables folded to rich's 80 columns are hard to read and to search.
    console = Console(width=None if sys.stdout.isatty() else WIDE)
    console.print(to_terminal(board, _maker(by_seed=by_seed), details=details))


def _maker(*, by_seed: bool) -> MakeSheets:
    from metarl_bench.report.seeds import make_seed_sheets
    from metarl_bench.report.sheets import make_sheets

    return make_seed_sheets if by_seed else make_sheets
