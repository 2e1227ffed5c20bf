"""Output of the commands: rich tables on a terminal, plain aligned lines everywhere else."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from metarl_bench.commands import DEBUG_VARIABLE
from metarl_bench.errors import ConfigError


def say(line: str) -> None:
    """Writes one line to standard output."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def tell_failure(error: str) -> None:
    """Writes to standard error what an agent did wrong in a meta-test; with ``METARL_DEBUG=1`` its whole traceback."""
    whole = error.strip()
    last = whole.splitlines()[-1]
    text = whole if os.environ.get(DEBUG_VARIABLE) else f"{last} ({DEBUG_VARIABLE}=1 shows all of it)"
    sys.stderr.write(f"The agent failed in the meta-test: {text}\n")


def show_table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Writes a table; ids are never cut on a stream that is not a terminal."""
    if sys.stdout.isatty():
        _show_rich(title, header, rows)
        return
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    say(title)
    for row in (header, *rows):
        say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def fill_marked(path: Path, name: str, block: str) -> str:
    """Returns a text file's content with the part between its two markers replaced.

    Args:
        path: The file; it is not written.
        name: The markers are ``<!-- name:begin -->`` and ``<!-- name:end -->``.
        block: Put between them, on lines of its own.

    Raises:
        ConfigError: If the file or its markers are missing, or it is no text.
    """
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    try:
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is no UTF-8 text: {error.reason} at byte {error.start}. Save it as UTF-8.") from None
    if text.count(begin) != 1 or text.count(end) != 1 or text.index(begin) > text.index(end):
        raise ConfigError(f"{path} has no part to fill in; expected one line {begin} and, below it, one line {end}.")
    before, _, rest = text.partition(begin)
    return f"{before}{begin}\n\n{block.strip()}\n\n{end}{rest.partition(end)[2]}"


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
