import csv
import dataclasses
import hashlib
import io
import re
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from rich.console import Console

from metarl_bench.leaderboard import leaderboard, references_hash
from metarl_bench.registry import SUITES
from metarl_bench.report.escaping import clean, escape_csv, escape_latex, escape_markdown, shorten
from metarl_bench.report.sheets import make_sheets
from metarl_bench.report.tables import to_csv, to_latex, to_markdown, to_terminal
from tests.bench.frames import SUITE, Runs, make_frames, rules, synthetic_suite

__all__ = ["synthetic_suite"]

HOSTILE = [
    "</script><img onerror=x>",
    r"\input{/etc/passwd}$x^2_{i}$ 100% & #1 ~",
    "a|b\\|c `code` *x* [link](http://example.org) ![i](j)",
    "=cmd()",
    "@SUM(A1)",
    "[red]markup[/red]",
    "\x1b[31mred\x1b[0m\x07",
    "two\nlines\r\n\tand a tab",
    "\u202eright to left\u200b",
    "\U0001f600",
    "_hidden",
    "",
    "[0]",
    "*",
    "x" * 10_000,
]
# What means something to one of the formats, control and direction marks, blanks of all kinds, half a surrogate pair.
MARKS = "=+-@|\\`*_[]()<>&$%#{}~^\"'!,;:\t\n\r\v\x00\x07\x1b\x7f\x85\xa0\xad"
MARKS += "\u200b\u200f\u2028\u202e\u2066\ufeff\uff1d\udc80"
TEXT = st.one_of(
    st.sampled_from(HOSTILE),
    # Half surrogates are in no name: the files that names come from are UTF-8, and read as such.
    st.text(st.characters(codec="utf-8"), max_size=40),
    st.text(st.sampled_from(MARKS) | st.characters(codec="utf-8"), max_size=40),
)


def value(place) -> float:
    return -100.0 + 10 * place.shot + place.seed + place.task + {"train": 3.0}.get(place.split, 0.0)


@pytest.fixture
def board(synthetic_suite):
    runs = [
        Runs("rl2", value, root="here/runs"),
        Runs("random", lambda place: -300.0 + place.seed, seeds=range(10), root="there/results"),
        Runs("oracle", lambda place: value(place) + 20, seeds=[0], division="privileged", root="there/results"),
        Runs("unfinished", value, reached=10_000, root="here/runs"),
    ]
    results, _, cells = make_frames(runs)
    return leaderboard(results, cells)


def board_of(name: str):
    results, _, cells = make_frames([Runs(name, value, root=f"somewhere/{name}", seeds=[0])], rules(num_trials=3))
    return leaderboard(results, cells)


def terminal_text(board, *, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    console.print(to_terminal(board, details=True))
    return console.file.getvalue()


def test_markdown_shows_ranks_intervals_and_blanks(board):
    lines = to_markdown(board).splitlines()
    assert lines[0] == "### synthetic/velocity-v1, lite-v1, 4,000,000 training steps"
    digest = board["digest"].iloc[0][:6]
    one, three, ten = (
        f"{digest} {hashlib.sha256(('e' * 64 * seeds).encode()).hexdigest()[:8]}" for seeds in (1, 3, 10)
    )
    assert lines[2:8] == [
        r"| \# | agent | source | seeds | score | 95 % interval | shot 0 | shot 1 | gain | norm. | provenance |",
        "| :-- | :-- | :-- | --: | --: | --: | --: | --: | --: | --: | --: |",
        rf"|  | oracle (privileged) | results | 1\* | -59.0 | n/a | -79.0 | -69.0 | 20.0 | 0.96 | {one} |",
        rf"|  | rl2 | runs | 3\* | -78.0 | -79.0 to -77.0 | -98.0 | -88.0 | 20.0 | 0.89 | {three} |",
        f"| 1 | random | results | 10 | -295.5 | -297.7 to -293.2 | -295.5 | -295.5 | 0.0 | 0.02 | {ten} |",
        "|  | unfinished | runs | 0 |  |  |  |  |  |  | unverified |",
    ]


def test_the_notes_say_what_the_table_shows(board, synthetic_suite):
    notes = " ".join(note for sheet in make_sheets(board) for note in sheet.notes)
    assert board["digest"].iloc[0] in notes
    assert references_hash(synthetic_suite.references) in notes
    assert "return of the evaluation episodes after 2 adaptation episodes" in notes
    assert "Provisional: fewer than 10 seeds" in notes
    assert "Privileged agents" in notes
    assert "unfinished in runs, seed 0, 1, 2 (trained for 10,000 steps so far)" in notes
    assert "Example CPU 3000, 2 cores (14 runs)" in notes


def test_notes_that_do_not_apply_are_left_out():
    results, _, cells = make_frames([Runs("rl2", value, seeds=range(10))])
    notes = " ".join(note for sheet in make_sheets(leaderboard(results, cells)) for note in sheet.notes)
    for absent in ("Provisional", "Privileged", "Norm.", "Left out", "Known tasks"):
        assert absent not in notes
    assert "not ranked" in notes  # the suite is not installed here


def test_suites_whose_test_tasks_are_trained_on_are_marked(monkeypatch):
    monkeypatch.setitem(SUITES._specs, SUITE.id, dataclasses.replace(SUITE, finite_tasks=2, new_test_tasks=False))
    results, _, cells = make_frames([Runs("rl2", value, seeds=range(10))])
    notes = make_sheets(leaderboard(results, cells))[0].notes
    assert any(note.startswith("Known tasks: this suite has a handful of tasks") for note in notes)


def test_the_terminal_shows_every_number_on_80_columns(board):
    text = terminal_text(board)
    assert max(map(len, text.splitlines())) <= 80
    for cell in ("-297.7 to -293.2", "0.89", "512", "n/a"):
        assert cell in text
    console = Console(file=io.StringIO(), width=80)
    console.print(to_terminal(board, details=False))
    assert "peak" not in console.file.getvalue()


def test_csv_holds_unrounded_numbers_and_leaves_negative_ones_alone(board):
    rows = list(csv.DictReader(io.StringIO(to_csv(board))))
    random = next(row for row in rows if row["agent"] == "random")
    assert float(random["score"]) == -295.5
    assert float(random["low"]) == board.set_index("agent").loc["random", "low"]
    assert (random["rank"], random["num_seeds"], random["shots_0"]) == ("1", "10", "-295.5")
    blank = next(row for row in rows if row["agent"] == "unfinished")
    assert (blank["score"], blank["rank"], blank["shots_2"], blank["online_1"]) == ("", "", "", "")


def test_latex_is_one_booktabs_table_a_sheet(board):
    text = to_latex(board)
    assert text.count(r"\begin{table}") == text.count(r"\toprule") == len(make_sheets(board)) == 3
    assert r"rl2 & runs & 3{*} & -78.0 & -79.0 to -77.0" in text
    assert r"95 \% interval" in text


@pytest.mark.parametrize("form", [to_markdown, to_csv, to_latex])
def test_tables_are_the_same_every_time(board, form):
    assert form(board) == form(board.copy())


def test_an_empty_board_gives_empty_tables():
    results, _, cells = make_frames([Runs("rl2", value)])
    empty = leaderboard(results.iloc[:0], cells.iloc[:0])
    assert to_markdown(empty) == to_latex(empty) == ""
    assert len(to_csv(empty).splitlines()) == 1
    assert terminal_text(empty).strip() == ""


def test_success_rates_are_shown_with_three_decimals():
    runs = [Runs("rl2", value, success=lambda place: place.task < place.shot)]
    results, _, cells = make_frames(runs, rules(measure="success"))
    sheet = make_sheets(leaderboard(results, cells))[0]
    assert dict(zip(sheet.headers, sheet.rows[0], strict=True))["score"] == "0.667"
    assert "success rate of" in sheet.notes[1]


@pytest.mark.parametrize(
    ("success", "shown"), [(lambda place: place.task < place.shot, True), (lambda _: False, False)]
)
def test_success_rates_of_zero_all_the_way_down_are_no_column(success, shown):
    results, _, cells = make_frames([Runs("rl2", value, success=success)])
    generalisation = make_sheets(leaderboard(results, cells))[1]
    assert ("success rate" in generalisation.headers) is shown


@given(TEXT)
@settings(max_examples=200)
def test_clean_text_is_one_printable_line(text):
    assert not [character for character in clean(text) if unicodedata.category(character)[0] == "C"]
    assert len(clean(text).splitlines()) <= 1
    assert len(shorten(text)) <= 60
    assert clean(clean(text)) == clean(text)


@given(TEXT)
@settings(max_examples=200)
def test_latex_text_holds_no_command_of_its_own(text):
    escaped = escape_latex(text)
    known = r"\\text(backslash|asciitilde|asciicircum|less|greater|bar|quotedbl)\{\}|\\[{}$&#_%]|\{[\[\]*]\}"
    unescaped = re.sub(r"\\[{}]", "", escaped)
    assert unescaped.count("{") == unescaped.count("}")
    rest = re.sub(known, "", escaped)
    assert not set(rest) & set('\\{}$&#_%~^<>|"[]*\n')
    assert all(character <= "\u017f" for character in rest)


@given(TEXT)
@settings(max_examples=200)
@example("&amp;")
@example("a\\")
def test_markdown_text_comes_out_as_it_went_in(text):
    parser = MarkdownIt("commonmark").enable("table")
    cell = escape_markdown(text)
    tokens = parser.parse(f"| name | other |\n| :-- | :-- |\n| {cell} | next |\n")
    assert len(cell.splitlines()) <= 1
    inline = [token for token in tokens if token.type == "inline"]
    assert [token.content for token in inline][-1] == "next"
    assert len(inline) == 4
    children = inline[2].children
    assert {child.type for child in children} <= {"text", "text_special"}
    shown = "".join(child.content for child in children)
    # The parser trims white space that it counts as such at the ends of a cell.
    assert shown.strip() == clean(text).strip()


@given(TEXT, st.sampled_from(["", " ", "\t", "\n", "\u00a0"]), st.sampled_from(["", "=", "+", "-", "@", "\uff1d"]))
@settings(max_examples=200)
def test_csv_text_is_never_a_formula(text, blank, start):
    escaped = escape_csv(blank + start + text)
    assert not re.match(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]", escaped)
    assert escaped.removeprefix("'") == clean(blank + start + text).removeprefix("'")
    file = io.StringIO()
    csv.writer(file).writerow(["first", escaped, "last"])
    assert list(csv.reader(io.StringIO(file.getvalue(), newline=""))) == [["first", escaped, "last"]]


@given(TEXT)
@settings(max_examples=25, deadline=None)
def test_whatever_names_hold_every_format_stays_whole(name):
    board = board_of(name)
    sheets = make_sheets(board)
    text = terminal_text(board, width=400)
    assert not [character for character in text if unicodedata.category(character)[0] == "C" and character != "\n"]
    assert shorten(name) in text or not shorten(name)
    rows = list(csv.reader(io.StringIO(to_csv(board))))
    assert len(rows) == 2
    assert len(rows[0]) == len(rows[1])
    assert rows[1][rows[0].index("agent")] == escape_csv(name)
    latex = [line for line in to_latex(board).splitlines() if line.endswith(r"\\") and " & " in line]
    assert len(latex) == 2 * len(sheets)
    parser = MarkdownIt("commonmark").enable("table")
    kinds = [token.type for token in parser.parse(to_markdown(board))]
    assert kinds.count("tr_open") == 2 * len(sheets)
    assert not {"html_block", "fence", "code_block"} & set(kinds)


def test_a_name_that_looks_like_markup_is_printed_as_it_is():
    assert "[red]markup[/red]" in terminal_text(board_of("[red]markup[/red]"), width=200)


def test_control_codes_never_reach_the_terminal():
    text = terminal_text(board_of("\x1b]0;title\x07\x1b[2J"), width=200)
    assert not re.search("\x07|\x1b\\]|\x1b\\[2J", text)


def test_scores_of_one_table_have_the_same_decimals():
    results, _, cells = make_frames([Runs("a", lambda place: 5.0), Runs("b", lambda place: 123.456)])
    sheet = make_sheets(leaderboard(results, cells))[0]
    scores = [dict(zip(sheet.headers, row, strict=True))["score"] for row in sheet.rows]
    assert scores == ["123.5", "5.0"]
