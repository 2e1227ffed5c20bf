"""Output of the commands: rich tables on a terminal, plain aligned lines everywhere else."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def say(line: str) -> None:
    """Writes one line to standard output."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def show_table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Writes a table; ids are never cut on a stream that is not a terminal."""
    if sys.stdout.isatty():
        _show_rich(title, header, rows)
        return
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    say(title)
    for row in (header, *rows):
        say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _show_rich(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left")
    for name in header:
        table.add_column(name, overflow="fold")
    for row in rows:
        # Text, since a summary may hold square brackets, which rich takes for markup.
        table.add_row(*map(Text, row))
    Console().print(table)
