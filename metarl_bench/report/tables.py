"""Leaderboards as text: for terminals, Markdown, CSV and LaTeX."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from math import isfinite
from typing import Any

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from metarl_bench.report.escaping import clean, escape_csv, escape_latex, escape_markdown
from metarl_bench.report.sheets import Sheet, make_sheets

MakeSheets = Callable[[pd.DataFrame], list[Sheet]]

# What the CSV shows under the frame's own names; what is a tuple in the frame gets one column an element.
_CSV_TEXT = (
    "protocol",
    "digest",
    "suite",
    "source",
    "name",
    "agent",
    "config_digest",
    "division",
    "primary_split",
    "evidence",
)
_CSV_SCORES = ("score", "low", "high", "gain", "normalised", "references", "success", "worst_decile")
_CSV_NUMBERS = (
    *("rank", "verified", "provisional", "checkpoint_steps", "budget", "measure", "score_rule", *_CSV_SCORES),
    *("train", "train_gap", "test_ood", "ood_gap", "area", "steps_to_50", "steps_to_90", "failed_episodes"),
    *("steps_per_second", "seconds", "peak_memory_mib"),
)
_CSV_TUPLES = {"shots": 0, "shots_low": 0, "shots_high": 0, "online": 1, "online_low": 1, "online_high": 1}


def to_terminal(board: pd.DataFrame, make: MakeSheets = make_sheets, *, details: bool) -> Group:
    """Returns something that a rich console prints; nothing in it is read as markup.

    Args:
        board: As ``leaderboard`` returns it.
        make: Which sheets of it.
        details: Whether the sheets beyond the scores are shown.
    """
    parts: list[Table | Padding] = []
    for sheet in make(board):
        if details or sheet.kind in ("scores", "seeds"):
            parts += [_rich_table(sheet), Padding(Text("\n".join(map(clean, sheet.notes)), style="dim"), (0, 0, 1, 1))]
    return Group(*parts)


def to_markdown(board: pd.DataFrame, make: MakeSheets = make_sheets) -> str:
    """Returns Markdown with one heading, table and list of notes per sheet."""
    return "\n".join(_markdown(sheet) for sheet in make(board))


def to_csv(board: pd.DataFrame) -> str:
    """Returns one table with all rows and unrounded numbers; empty cells where there is nothing."""
    widths = {name: max((len(values) for values in board[name]), default=0) for name in _CSV_TUPLES}
    spread = [(name, place, start) for name, start in _CSV_TUPLES.items() for place in range(widths[name])]
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    names = [f"{name}_{place + start}" for name, place, start in spread]
    writer.writerow([*_CSV_TEXT, "num_seeds", *_CSV_NUMBERS, *names])
    for row in board.to_dict("records"):
        elements = [row[name][place] if place < len(row[name]) else None for name, place, _ in spread]
        numbers = [len(row["seeds"]), *(row[name] for name in _CSV_NUMBERS), *elements]
        writer.writerow([*(escape_csv(str(row[name])) for name in _CSV_TEXT), *map(_csv_cell, numbers)])
    return file.getvalue()


def to_latex(board: pd.DataFrame, make: MakeSheets = make_sheets) -> str:
    """Returns one ``table`` environment per sheet; needs the package booktabs."""
    return "\n".join(_latex(sheet) for sheet in make(board))


def _rich_table(sheet: Sheet) -> Table:
    table = Table(title=Text(clean(sheet.title)), title_justify="left", title_style="bold", box=SIMPLE_HEAD, padding=0)
    for position, header in enumerate(sheet.headers):
        if position < sheet.left:
            # Long names fold, so that the numbers stay whole on a terminal of 80 columns.
            widest = max(len(row[position]) for row in sheet.rows)
            table.add_column(Text(header), overflow="fold", min_width=min(13, widest))
        else:
            table.add_column(Text(_folded(header)), justify="right", no_wrap=True)
    for row in sheet.rows:
        table.add_row(*(Text(clean(cell)) for cell in row))
    return table


def _folded(header: str) -> str:
    """Returns a header in two lines, so that it is hardly wider than its numbers."""
    first, *others = header.rsplit(" ", 1) if not header.endswith("%") else header.split(" ", 1)
    return "\n".join([first, *others])


def _markdown(sheet: Sheet) -> str:
    rule = [":--" if position < sheet.left else "--:" for position in range(len(sheet.headers))]
    rows = [[escape_markdown(cell) for cell in row] for row in (sheet.headers, *sheet.rows)]
    lines = [f"| {' | '.join(cells)} |" for cells in (rows[0], rule, *rows[1:])]
    notes = [f"- {escape_markdown(note)}" for note in sheet.notes]
    return "\n".join([f"### {escape_markdown(sheet.title)}", "", *lines, "", *notes, ""])


def _latex(sheet: Sheet) -> str:
    frame = pd.DataFrame([[escape_latex(cell) for cell in row] for row in sheet.rows])
    styler = frame.style.hide(axis="index").relabel_index(list(map(escape_latex, sheet.headers)), axis="columns")
    columns = "l" * sheet.left + "r" * (len(sheet.headers) - sheet.left)
    notes = "\\\\\n".join(escape_latex(note) for note in sheet.notes)
    return "\n".join(
        [
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{escape_latex(sheet.title)}}}",
            styler.to_latex(hrules=True, column_format=columns).rstrip(),
            rf"\par\smallskip\begin{{minipage}}{{\linewidth}}\footnotesize {notes}\end{{minipage}}",
            r"\end{table}",
            "",
        ]
    )


def _csv_cell(value: Any) -> str:
    if isinstance(value, str):
        return escape_csv(value)
    if value is None or value is pd.NA or (isinstance(value, float) and not isfinite(value)):
        return ""
    return str(value)
