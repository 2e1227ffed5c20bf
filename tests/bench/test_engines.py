import dataclasses
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from metarl_bench.cells import Cell
from metarl_bench.engines.local import RETRIES, run_cells
from metarl_bench.errors import ConfigError, UnknownIdError
from metarl_bench.records import read_manifest
from metarl_bench.registry import SUITES
from metarl_bench.runner import Outcome, run_cell
from metarl_suites.toy.specs import POINT_ROBOT
from metarl_suites.toy.suite import PointRobotSuite
from metarl_suites.toy.worlds import PointRobotWorlds
from tests.bench import support
from tests.bench.broken_suites import RunsPastTheHorizon


class BrokenListener(support.Listener):
    def begin(self, cell_name: str, budget: int, steps: int) -> None:
        raise KeyError("a mistake of ours")


def test_workers_change_nothing(tmp_path: Path) -> None:
    cells = [support.cell(seed=seed) for seed in (0, 1)]
    alone = run_cells(cells, tmp_path / "alone", workers=1)
    together = run_cells(cells, tmp_path / "together", workers=2, reporter=support.Listener(), num_threads=1)
    assert [outcome.folder.name for outcome in together] == ["seed-0", "seed-1"]
    assert {outcome.status for outcome in (*alone, *together)} == {"complete"}
    for one, other in zip(alone, together, strict=True):
        assert support.table_bytes(one) == support.table_bytes(other)


@pytest.mark.parametrize("option", [{"workers": 0}, {"workers": 1, "num_threads": -1}, {"workers": 2, "until": 0}])
def test_limits_that_cannot_be_are_refused_before_anything_is_written(tmp_path: Path, option: dict[str, int]) -> None:
    (value,) = [value for value in option.values() if value < 1]
    with pytest.raises(ConfigError, match=f" is {value}.*; expected 1 or more"):
        run_cells([support.cell()], tmp_path / "runs", **option)
    if option["workers"] == 1:
        with pytest.raises(ConfigError, match="threads is -1"):
            run_cell(support.cell(), tmp_path / "runs", num_threads=-1)
    assert not list(tmp_path.iterdir())


class Broken(PointRobotWorlds):
    def step(self, actions: Any) -> Any:
        raise ZeroDivisionError("the simulator is broken")


class BrokenSuite(PointRobotSuite):
    worlds = Broken


def test_a_suite_that_raises_in_the_meta_test_fails_the_cell_and_is_named(tmp_path: Path) -> None:
    SUITES.register(dataclasses.replace(POINT_ROBOT, id="toy/broken-v1", factory=f"{__name__}:BrokenSuite"))
    cells = [
        Cell(protocol="smoke-v1", suite=suite, agent="random", seed=0) for suite in ("toy/broken-v1", support.SUITE)
    ]
    broken, fine = run_cells(cells, tmp_path, workers=1)
    assert (broken.status, fine.status) == ("failed", "complete")
    assert (
        "toy/broken-v1 raised ZeroDivisionError in a meta-test on test tasks: the simulator is broken" in broken.message
    )
    manifest = read_manifest(broken.folder)
    assert (manifest.status, manifest.failed_episodes, manifest.errors) == ("failed", 0, [])
    assert "in step" in manifest.failure


class EndlessSuite(PointRobotSuite):
    worlds = RunsPastTheHorizon


def test_worlds_that_run_on_after_the_horizon_are_told_in_words(tmp_path: Path) -> None:
    SUITES.register(dataclasses.replace(POINT_ROBOT, id="toy/endless-v1", factory=f"{__name__}:EndlessSuite"))
    cell = Cell(protocol="smoke-v1", suite="toy/endless-v1", agent="random", seed=0)
    (outcome,) = run_cells([cell], tmp_path, workers=1)
    assert outcome.status == "failed"
    assert "Worlds run on after the horizon of 20 steps; truncate them." in outcome.message


@pytest.mark.parametrize("workers", [1, 2])
def test_a_failing_cell_costs_nothing_but_itself(tmp_path: Path, workers: int) -> None:
    cells = [support.cell(misdeed="training raises"), support.cell(seed=1)]
    failed, fine = run_cells(cells, tmp_path, workers=workers, reporter=support.Listener())
    assert (failed.status, fine.status) == ("failed", "complete")
    assert "divided by nothing" in failed.message


def test_a_cell_whose_worker_dies_once_is_started_again_and_changes_nothing(
    reference: Outcome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(support.FAULT, "train/kill:3000")
    monkeypatch.setenv(support.ONCE, str(tmp_path / "once"))
    (tmp_path / "once").touch()
    listener = support.Listener()
    (outcome,) = run_cells([support.cell()], tmp_path / "runs", workers=2, reporter=listener)
    assert outcome.resumed
    support.assert_same_end(reference, outcome)
    (message,) = listener.messages
    assert "exit code -9 (try 1). It is started again" in message


def test_a_cell_whose_worker_dies_every_time_fails_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(support.FAULT, "train/kill:3000")
    listener = support.Listener()
    cells = [support.cell(), Cell(protocol="smoke-v1", suite=support.SUITE, agent="random", seed=0)]
    died, fine = run_cells(cells, tmp_path, workers=2, reporter=listener)
    assert (died.status, fine.status) == ("failed", "complete")
    assert len(listener.messages) == 1 + RETRIES
    assert died.message == listener.messages[-1]
    assert f"exit code -9 (try 3). Go on from its last save point with: {cells[0].command(tmp_path)}" in died.message
    monkeypatch.delenv(support.FAULT)
    (resumed,) = run_cells(cells[:1], tmp_path, workers=1)
    assert (resumed.status, resumed.resumed) == ("complete", True)


def test_nobody_waits_for_processes_that_an_agent_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    life = tmp_path / "life"
    life.touch()
    monkeypatch.setenv(support.LIFE, str(life))
    monkeypatch.setenv(support.FAULT, "train/kill:3000")
    monkeypatch.setenv(support.ONCE, str(tmp_path / "once"))
    (tmp_path / "once").touch()
    cells = [support.cell(misdeed="leaves a process")]
    (outcome,) = run_cells(cells, tmp_path / "runs", workers=2, reporter=support.Listener())
    assert (outcome.status, outcome.resumed) == ("complete", True)
    life.unlink()  # fails where it was waited for


def test_an_unexpected_error_in_a_worker_is_not_tried_again(tmp_path: Path) -> None:
    (died,) = run_cells([support.cell()], tmp_path, workers=2, reporter=BrokenListener())
    assert "exit code 1 (try 1). Go on from" in died.message


def test_a_worker_that_somebody_stops_is_not_started_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(support.FAULT, "train/term:3000")
    listener = support.Listener()
    (stopped,) = run_cells([support.cell()], tmp_path, workers=2, reporter=listener)
    assert stopped.status == "failed"
    assert listener.messages == [stopped.message]
    assert "somebody stopped its process" in stopped.message
    assert "Resume with: " in stopped.message


def test_a_new_run_that_is_forced_is_begun_once(partial: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(support.FAULT, "train/kill:3000")
    (died,) = run_cells([support.cell()], partial, workers=2, reporter=support.Listener(), force_new_run=True)
    assert "(try 1). Go on from" in died.message
    assert [path.name for path in died.folder.parent.glob("*-retired-*")] == ["seed-0-retired-1"]


def test_a_mistyped_id_stops_everything_before_the_first_cell(tmp_path: Path) -> None:
    cells = [support.cell(), support.cell("test-lerner")]
    with pytest.raises(UnknownIdError, match="test-learner"):
        run_cells(cells, tmp_path / "runs", workers=1)
    assert not (tmp_path / "runs").exists()


def start_two(out: Path, fault: str) -> subprocess.Popen[str]:
    """Starts two cells in workers of their own, and returns when both are past the save point at 2800 steps."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), support.FAULT: fault}
    code = f"from tests.bench import support; support.main_of_two({str(out)!r})"
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=support.REPOSITORY, env=environment, stderr=subprocess.PIPE, text=True
    )
    logs = [support.cell(seed=seed).folder(out) / "training.jsonl" for seed in (0, 1)]
    while process.poll() is None and not all(log.exists() and '"boundary": 2800' in log.read_text() for log in logs):
        time.sleep(0.02)
    return process


def test_a_signal_reaches_the_workers_and_waits_for_them(tmp_path: Path) -> None:
    process = start_two(tmp_path, "train/wait:3000")
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said.count("steps since the last save point are lost") == 2
    assert "--seeds 0" in said
    assert "--seeds 1" in said


def test_a_second_signal_waits_for_no_worker_and_says_what_is_lost(tmp_path: Path) -> None:
    process = start_two(tmp_path, "train/linger:3000")
    while process.poll() is None:
        process.send_signal(signal.SIGINT)
        time.sleep(1)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said.count("since the last save point") == 2  # also of a worker that was quick enough to say it itself
    assert said.count("Resume with: metarl-bench run") == 2
