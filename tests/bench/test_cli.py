from __future__ import annotations

import contextlib
import csv
import io
import os
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import metarl_agents
import metarl_bench as mb
import metarl_suites
from metarl_bench.cli import main
from metarl_bench.cli.settings import parse_settings
from metarl_bench.errors import ConfigError
from tests.bench.support import Here

SUITE = "toy/point-robot-v1"
CELL = ("--protocol", "smoke-v1", "--suite", SUITE)
RL2 = ("--agent", "rl2", "--set", "epochs=1", "minibatches=1", "memory=8", "hidden=8")  # learns nothing, quickly
# A user's own module: agents that break in the two ways in which they can, and a suite that breaks a rule.
BROKEN = """
import sys
import dataclasses
from metarl_agents.random_policy import RANDOM
from metarl_agents.random_policy.agent import RandomAgent, RandomAdaptation
from metarl_bench.cli import main
from metarl_bench.registry import AGENTS, SUITES

class ActsBadly(RandomAgent):
    def start_trials(self, num_worlds, *, rng, privileged=None):
        raise RuntimeError("no idea what to do")

class TrainsBadly(RandomAgent):
    def meta_train(self, ground, *, until, rng):
        raise RuntimeError("no idea how to learn")

for name in ("ActsBadly", "TrainsBadly"):
    AGENTS.register(dataclasses.replace(RANDOM, id=name.lower(), factory=f"broken:{name}"))
suite = SUITES.get("toy/point-robot-v1")
SUITES.register(dataclasses.replace(suite, id="toy/misdeclared-v1", constant_observations=(0,)))

if __name__ == "__main__":
    sys.exit(main())
"""


def bench(*words: object, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs the program as a process of its own."""
    return start(*words, cwd=cwd, program=["-m", "metarl_bench.cli"], **environment)


def start(*words: object, cwd: Path, program: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *program, *map(str, words)],
        cwd=cwd,
        env={**os.environ, "COLUMNS": "200", **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with finished runs in runs/: two seeds of random, one of rl2."""
    folder = tmp_path_factory.mktemp("work place")  # paths with spaces must do
    done = bench("run", *CELL, "--agent", "random", "--seeds", 0, 1, "--workers", 2, cwd=folder)
    assert done.returncode == 0, done.stderr
    with contextlib.chdir(folder):
        assert main(["run", *CELL, *RL2, "--seed", "1"]) == 0
    return folder


# -- the frame -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [["--help"], []])
def test_help_names_every_command(words: list[str], tmp_path: Path) -> None:
    done = bench(*words, cwd=tmp_path)
    assert done.returncode == 0
    for command in (
        "list",
        "run",
        "evaluate",
        "leaderboard",
        "plot",
        "render",
        "pack",
        "verify",
        "add",
        "replay",
        "check",
        "doctor",
    ):
        assert f"• {command} " in done.stdout


def test_an_unknown_flag_gets_a_suggestion(tmp_path: Path) -> None:
    done = bench("run", *CELL, "--agent", "random", "--workerz", 2, cwd=tmp_path)
    assert done.returncode == 2
    assert "Perhaps you meant" in done.stderr
    assert "--workers" in done.stderr


def test_an_unknown_id_is_bad_input_and_no_traceback(tmp_path: Path) -> None:
    words = ("run", "--protocol", "smoke-v1", "--suite", "toy/point-robt-v1", "--agent", "random")
    done = bench(*words, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("error: Unknown suite 'toy/point-robt-v1'. Did you mean 'toy/point-robot-v1'")
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())
    assert "Traceback" in bench(*words, cwd=tmp_path, METARL_DEBUG="1").stderr


def test_a_locale_without_unicode_costs_characters_but_no_command(tmp_path: Path) -> None:
    for words in (["--help"], ["list"], ["run", "--sede"]):
        done = bench(*words, cwd=tmp_path, PYTHONIOENCODING="ascii", PYTHONUTF8="0", LC_ALL="C")
        assert done.returncode == (2 if "--sede" in words else 0)
        assert "UnicodeEncodeError" not in done.stderr


def test_a_reader_that_leaves_early_is_no_error(tmp_path: Path) -> None:
    command = f"{shlex.quote(sys.executable)} -m metarl_bench.cli list | true"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0
    assert done.stderr == ""


# -- list ------------------------------------------------------------------------------------------------------------


def test_list_shows_ids_in_aligned_columns(tmp_path: Path) -> None:
    done = bench("list", "suites", cwd=tmp_path)
    assert done.returncode == 0
    title, header, *rows = done.stdout.splitlines()
    assert title == "Suites"
    assert [row.split()[0] for row in rows] == sorted(spec.id for spec in metarl_suites.SPECS)
    column = header.index("summary")
    assert all(row[column - 2 : column] == "  " and row[column] != " " for row in rows)


def test_list_says_which_suites_are_superseded(tmp_path: Path) -> None:
    rows = {row.split()[0]: row for row in bench("list", "suites", cwd=tmp_path).stdout.splitlines()[2:]}
    superseded = {name for name, row in rows.items() if "superseded by" in row}
    cars = ("city-v1", "sparse-v1", "sparse-v2", "traffic-v1", "vehicle-v1", "vehicle-v2", "weather-v1")
    cheetahs = {"locomotion/cheetah-mass-v1", "locomotion/cheetah-body-v1"}
    assert superseded == {f"navigation/drive-{name}" for name in cars} | cheetahs
    for name in ("city", "sparse", "traffic", "vehicle", "weather"):
        assert rows[f"navigation/drive-{name}-v1"].endswith(f"(superseded by navigation/drive-{name}-v2)")


def test_list_without_a_word_shows_everything(tmp_path: Path) -> None:
    words = bench("list", cwd=tmp_path).stdout.split()
    # Not mb.list_agents(): in this process, other tests have registered agents of their own.
    built_in = {spec.id for spec in (*metarl_suites.SPECS, *metarl_agents.SPECS)}
    assert built_in | set(mb.list_protocols()) <= set(words)


# -- run -------------------------------------------------------------------------------------------------------------


def test_run_tells_each_cells_end_and_changes_nothing_when_repeated(workplace: Path) -> None:
    files = {path: path.read_bytes() for path in workplace.rglob("*") if path.is_file()}
    done = bench("run", *CELL, "--agent", "random", "--seeds", 0, 1, cwd=workplace)
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert len(lines) == 2
    assert all(": complete at " in line and ", resumed: runs/smoke-v1/" in line for line in lines)
    assert {path: path.read_bytes() for path in workplace.rglob("*") if path.is_file()} == files


def test_until_leaves_a_partial_run_that_the_printed_command_completes(tmp_path: Path, here: Here) -> None:
    done = here("run", *CELL, *RL2, "--seed", 3, "--until", 4000, cwd=tmp_path)
    assert done.returncode == 0
    assert ": partial at " in done.stdout
    (command,) = (line.partition("to go on: ")[2] for line in done.stdout.splitlines() if "to go on: " in line)
    program, *words = shlex.split(command)
    assert program == "metarl-bench"
    again = here(*words, cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert ": complete at " in again.stdout
    assert ", resumed: " in again.stdout


def test_other_settings_than_those_in_the_folder_fail_with_a_difference(workplace: Path, here: Here) -> None:
    done = here("run", *CELL, *RL2, "gradient_clip=1", "--seed", 1, cwd=workplace)
    assert done.returncode == 1
    assert "config.gradient_clip: 0.5 in the folder, 1.0 now" in done.stderr
    assert "--force-new-run" in done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--agent", "random", "--seeds", "0", "0"], "--seeds got 0 0; expected each once."),
        (["--agent", "random", "--seeds"], "--seeds got nothing; expected at least one."),
        (["--agent", "rl2", "--set", "epochs"], "--set got 'epochs'; expected name=value"),
        (["--agent", "rl2", "--set", "epochs=many"], "epochs is 'many'"),
        (["--agent", "rl2", "--set", "learning_rate=inf"], "learning_rate is inf; expected finite numbers"),
        (["--agent", "maml", "--set", "initial_log_std=nan"], "initial_log_std is nan; expected finite numbers"),
        (["--agent", "rl2", "--set", "epoch=3"], "no setting 'epoch'. Did you mean 'epochs'"),
        (["--agent", "rl2", "--set", "epochs=3", "--set", "gamma=0.9"], "--set is given 2 times"),
        (["--agent", "random", "--seed", "0", "--seeds", "1"], "--seed or --seeds is given 2 times"),
        (["--agent=random", "--keep-weights=all", "--keep_weights", "final"], "--keep-weights or --keep_weights is"),
        (["--agent", "random", "--threads", "-1"], "threads is -1; expected 1 or more, or 0 for one per core"),
        (["--agent", "random", "--workers", "0"], "workers is 0; expected 1 or more"),
        (["--agent", "random", "--until", "0"], "until is 0 steps; expected 1 or more"),
        (["--agent", "random", "--split", "validation"], "expected 1000 or more for validation tasks"),
    ],
)
def test_bad_values_are_refused_before_anything_is_written(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["run", *CELL, *words]) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("agent", ["actsbadly", "trainsbadly"])
def test_an_agent_that_raises_exits_with_one(agent: str, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text(BROKEN)
    done = start("run", *CELL, "--agent", agent, cwd=tmp_path, program=["broken.py"])
    assert done.returncode == 1
    folder = f"runs/smoke-v1/{SUITE}/{agent}/seed-0"
    said = f"failed episodes (see errors in {folder}/manifest.json)" if agent == "actsbadly" else ": failed at "
    assert said in done.stdout
    assert "no idea" in done.stderr
    if agent == "actsbadly":
        again = start("evaluate", "--weights", f"{folder}/checkpoints/8000", cwd=tmp_path, program=["broken.py"])
        assert again.returncode == 1
        told = "The agent failed in the meta-test: RuntimeError: no idea what to do (METARL_DEBUG=1 shows all of it)"
        assert set(again.stderr.splitlines()) == {told}


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_run_with_its_code_and_the_command_that_resumes(
    number: signal.Signals, code: int, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "metarl_bench.cli", "run", "--protocol", "lite-v1", "--suite", SUITE]
    command += ["--agent", "rl2", "--keep-weights", "final"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    assert "starts at 0" in process.stderr.readline()
    process.send_signal(number)
    rest = process.stderr.read()
    assert process.wait(timeout=60) == code
    assert number.name in rest
    assert "steps since the last save point are lost" in rest
    (line,) = (
        line for line in rest.splitlines() if line.startswith("Resume with: metarl-bench run --protocol lite-v1")
    )
    assert line.endswith(" --keep-weights final")
    assert "Traceback" not in rest


def test_settings_are_split_at_the_first_equals_sign() -> None:
    assert parse_settings(("b=x=y", "a = 1")) == (("a", "1"), ("b", "x=y"))
    with pytest.raises(ConfigError, match="'a' twice"):
        parse_settings(("a=1", "a=2"))


# -- evaluate --------------------------------------------------------------------------------------------------------


def test_evaluate_repeats_the_recorded_episodes_without_training(workplace: Path, tmp_path: Path, here: Here) -> None:
    weights = workplace / "runs/smoke-v1" / SUITE / "rl2/seed-1/checkpoints/8000"
    done = here("evaluate", "--weights", weights, "--out", tmp_path / "new/rows.csv", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    again = pd.read_csv(tmp_path / "new/rows.csv")
    recorded = mb.load_results(workplace / "runs").query("agent == 'rl2' and seed == 1 and checkpoint_steps == 8000")
    place = ["split", "task", "trial", "shot", "phase", "episode", "return"]
    recorded = recorded[recorded["split"].isin(again["split"].unique())]
    both = [frame[place].astype({"split": str, "phase": str}).sort_values(place[:-1]) for frame in (again, recorded)]
    pd.testing.assert_frame_equal(*(frame.reset_index(drop=True) for frame in both), check_dtype=False)
    header, *rows = done.stdout.splitlines()
    assert header.split() == ["split", "shot", "mean", "return", "success", "episodes", "failed"]
    scored = again[(again["split"] == "test") & (again["shot"] == 1) & (again["phase"] == "evaluation")]
    (row,) = (row.split() for row in rows if row.split()[:2] == ["test", "1"])
    assert row[2:] == [
        f"{scored['return'].mean():.2f}",
        f"{scored['success'].mean():.2f}",
        str(len(scored)),
        "0",
    ]


# -- leaderboard and plot --------------------------------------------------------------------------------------------


def test_the_leaderboard_of_a_pipe_is_not_folded(workplace: Path, here: Here) -> None:
    done = here("leaderboard", "runs", "--unverified", cwd=workplace)
    assert done.returncode == 0, done.stderr
    assert f"{SUITE}, smoke-v1, 8,000 training steps" in done.stdout
    assert "generalisation" not in done.stdout
    assert "generalisation" in here("leaderboard", "runs", "--unverified", "--details", cwd=workplace).stdout


@pytest.mark.parametrize(("kind", "sign"), [("markdown", "| :-- |"), ("csv", "protocol,digest,"), ("latex", "toprule")])
def test_the_leaderboard_is_written_in_every_format(
    kind: str, sign: str, workplace: Path, tmp_path: Path, here: Here
) -> None:
    file = tmp_path / "new" / "board"
    done = here("leaderboard", workplace / "runs", "--unverified", "--format", kind, "--out", file, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert sign in file.read_text()
    assert (
        here("leaderboard", workplace / "runs", "--unverified", "--format", kind, cwd=tmp_path).stdout
        == file.read_text()
    )


def test_the_leaderboard_replaces_the_marked_part_of_a_file_and_nothing_else(
    workplace: Path, tmp_path: Path, here: Here
) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- leaderboard:begin -->\nold\n<!-- leaderboard:end -->\nafter\n")
    words = ("leaderboard", workplace / "runs", "--unverified", "--format", "markdown", "--into", page)
    assert here(*words, cwd=tmp_path).returncode == 0
    once = page.read_text()
    assert once.startswith("before\n<!-- leaderboard:begin -->\n\n### toy/point-robot-v1")
    assert once.endswith("\n<!-- leaderboard:end -->\nafter\n")
    assert "old" not in once
    assert here(*words, cwd=tmp_path).returncode == 0
    assert page.read_text() == once


def test_a_file_without_markers_is_left_alone(workplace: Path, tmp_path: Path, here: Here) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- leaderboard:begin -->\nmine")
    done = here("leaderboard", workplace / "runs", "--unverified", "--format", "markdown", "--into", page, cwd=tmp_path)
    assert done.returncode == 2
    assert "<!-- leaderboard:end -->" in done.stderr
    assert page.read_text() == "<!-- leaderboard:begin -->\nmine"


def test_a_file_that_is_no_text_is_left_alone(
    workplace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.md"
    page.write_bytes("<!-- leaderboard:begin -->\nGrüße\n<!-- leaderboard:end -->".encode("latin-1"))
    before = page.read_bytes()
    words = ["leaderboard", str(workplace / "runs"), "--unverified", "--format", "markdown", "--into", str(page)]
    assert main(words) == 2
    assert f"{page} is no UTF-8 text: invalid start byte at byte 29" in capsys.readouterr().err
    assert page.read_bytes() == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "expected folders with results"),
        (["nowhere"], "nowhere is not a folder"),
        (["runs", "--suite", "toy/point-robot-v2"], "Did you mean 'toy/point-robot-v1'"),
        (["runs", "--protocol", "lite-v1"], "No results of protocol 'lite-v1'"),
        (["runs", "--unverified", "--checkpoint", "5000"], "expected one of 4000, 8000"),
        (["runs", "--split", "validation"], "No results of validation tasks"),
        (["runs", "--unverified", "--out", "file"], "--format markdown, csv or latex"),
    ],
)
def test_a_leaderboard_of_nothing_says_what_there_is(
    words: list[str], message: str, workplace: Path, here: Here
) -> None:
    done = here("leaderboard", *words, cwd=workplace)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_run_that_is_given_twice_counts_once(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = workplace / "runs"
    once = ["leaderboard", str(runs), "--unverified", "--format", "csv"]
    assert main(once) == 0
    board = capsys.readouterr().out
    twice = [*once[:2], str(runs / "smoke-v1"), str(runs / ".." / "runs"), *once[2:]]
    assert main(twice) == 0
    assert capsys.readouterr().out == board


@pytest.mark.parametrize("name", ["manifest.json", "episodes.parquet"])
def test_a_damaged_run_is_named_and_costs_no_other(
    name: str, workplace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = Path(shutil.copytree(workplace / "runs", tmp_path / "runs"))
    damaged = runs / "smoke-v1" / SUITE / "random" / "seed-1"
    (damaged / name).write_bytes(b"?")
    words = [str(runs), "--unverified"]
    assert main(["leaderboard", *words, "--format", "csv"]) == 1
    streams = capsys.readouterr()
    assert streams.err.startswith(f"Left out, since it is damaged: {damaged / name} ")
    assert streams.err.count("damaged:") == 1
    rows = {row["agent"]: row for row in csv.DictReader(io.StringIO(streams.out))}
    assert rows.keys() == {"random", "rl2"}
    assert rows["random"]["num_seeds"] == "1"
    assert main(["plot", *words, "--out", str(tmp_path / "figures")]) == 1
    assert len(list((tmp_path / "figures").glob("*.png"))) == 3


def test_plot_prints_the_paths_of_the_figures_that_it_draws(workplace: Path, tmp_path: Path, here: Here) -> None:
    done = here("plot", workplace / "runs", "--unverified", "--out", tmp_path / "my figures", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    paths = [Path(line) for line in done.stdout.splitlines()]
    assert sorted(paths) == sorted((tmp_path / "my figures").iterdir())
    for name in ("adaptation", "within-trial", "sample-efficiency"):
        for kind, magic in (("png", b"\x89PNG"), ("pdf", b"%PDF")):
            (path,) = (path for path in paths if path.name.endswith(f"-{name}.{kind}"))
            assert path.read_bytes().startswith(magic)


# -- files that cannot be written ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["leaderboard", "runs", "--unverified", "--format", "csv", "--out", "folder"], "folder is a folder"),
        (["leaderboard", "runs", "--unverified", "--format", "csv", "--out", "file/x"], "file is a file"),
        (["plot", "runs", "--unverified", "--out", "file"], "file is a file; expected a folder to write into"),
        (["evaluate", "--weights", "nowhere", "--out", "folder"], "folder is a folder; expected the name of a file"),
        (["verify", "nowhere", "--report", "file/x"], "file is a file"),
        (["verify", "nowhere", "--report", "folder"], "folder is a folder"),
        (["render", SUITE, "--out", "file"], "file is a file"),
        (
            ["reproduce", "runs", "--suite", SUITE, "--agent", "random", "--seeds", "5", "6", "--json", "folder"],
            "folder is a folder",
        ),
    ],
)
def test_an_output_that_cannot_be_written_is_refused_before_the_work(
    words: list[str],
    message: str,
    workplace: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "runs").symlink_to(workplace / "runs")
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    assert message in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder", "runs"]


@pytest.mark.parametrize(
    "words",
    [
        ["leaderboard", "runs", "--unverified", "--format", "csv", "--out"],
        ["leaderboard", "runs", "--unverified", "--format", "markdown", "--into"],
        ["leaderboard"],
        ["plot", "runs", "--unverified", "--out"],
        ["evaluate", "--weights"],
        ["verify"],
        ["replay"],
        ["render", SUITE, "--out"],
    ],
)
def test_a_name_that_no_system_takes_is_told_in_words(
    words: list[str], workplace: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(workplace)
    name = "x" * 300
    assert main([*words, name]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: {name}")
    assert "cannot be used: File name too long." in error
    monkeypatch.setenv("METARL_DEBUG", "1")
    with pytest.raises(OSError, match="File name too long"):
        main([*words, name])


def test_a_report_gets_its_folder(workplace: Path, tmp_path: Path) -> None:
    assert main(["verify", str(workplace), "--report", str(tmp_path / "new" / "report.json")]) == 1
    assert "verdict" in (tmp_path / "new" / "report.json").read_text()


# -- check and doctor ------------------------------------------------------------------------------------------------


def test_check_reports_every_rule_of_a_sound_suite(tmp_path: Path, here: Here) -> None:
    done = here("check", "suite", SUITE, cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    *rules, summary = done.stdout.splitlines()
    assert all(line.startswith("ok    ") for line in rules)
    assert summary == f"{SUITE}: {len(rules)} of {len(rules)} rules kept"


def test_check_names_the_rule_that_a_suite_breaks(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text(BROKEN)
    done = start("check", "suite", "toy/misdeclared-v1", cwd=tmp_path, program=["broken.py"])
    assert done.returncode == 1
    broken = [line for line in done.stdout.splitlines() if line.startswith("FAIL")]
    assert "FAIL  observations_that_never_change_are_declared" in broken
    assert "Traceback" not in done.stderr


def test_check_reports_every_rule_of_a_sound_agent(tmp_path: Path, here: Here) -> None:
    done = here("check", "agent", "random", cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert "rules kept" in done.stdout.splitlines()[-1]


@pytest.mark.parametrize("steps", ["0", "-5"])
def test_check_refuses_a_segment_without_steps(steps: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "agent", "rl2", "--steps", steps]) == 2
    assert f"got {steps} steps; expected 1 or more" in capsys.readouterr().err


def test_doctor_exits_with_one_where_something_keeps_runs_from_working(tmp_path: Path) -> None:
    assert bench("doctor", cwd=tmp_path).returncode == 0
    (tmp_path / "file").write_text("x")
    done = bench("doctor", "--out", tmp_path / "file", cwd=tmp_path)
    assert done.returncode == 1
    assert "--out" in done.stdout
