"""Text that others wrote (agents, folders, machines), made harmless for each format it is shown in."""

from __future__ import annotations

import re
import unicodedata

LONGEST_NAME = 60

_LATEX: dict[str, str | int | None] = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "_": r"\_",
    "%": r"\%",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    # Right after the \\ of the row before, these would be its arguments.
    "[": "{[}",
    "]": "{]}",
    "*": "{*}",
}
# The backslash and the pipe as entities: renderers differ in how they read them escaped inside a table.
_MARKDOWN: dict[str, str | int | None] = {"\\": "&#92;", "|": "&#124;", "<": "&lt;", ">": "&gt;", "&": "&amp;"}
_MARKDOWN |= {character: f"\\{character}" for character in "`*_[]~#$!"}


def clean(text: str) -> str:
    """Returns one printable line: blanks for white space, "?" for control and direction marks."""
    return "".join(_printable(character) for character in text).strip()


def shorten(name: str) -> str:
    """Returns a clean name, cut where it would push the numbers off the page."""
    name = clean(name)
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 3]}..."


def escape_latex(text: str) -> str:
    """Returns text for LaTeX; "?" for what pdfLaTeX cannot set without further packages."""
    known = "".join(character if character <= "\u017f" else "?" for character in clean(text))
    return known.translate(str.maketrans(_LATEX))


def escape_markdown(text: str) -> str:
    """Returns text for a cell of a Markdown table."""
    return clean(text).translate(str.maketrans(_MARKDOWN))


def escape_csv(text: str) -> str:
    """Returns text for a cell of a spreadsheet, where it is never a formula; numbers must not come here."""
    line = clean(text)
    return f"'{line}" if re.match(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]", line) else line


def _printable(character: str) -> str:
    if character.isspace():
        return " "
    return "?" if unicodedata.category(character)[0] == "C" else character
