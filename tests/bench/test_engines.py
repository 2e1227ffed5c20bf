import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from metarl_bench.cells import Cell
from metarl_bench.engines.local import run_cells
from metarl_bench.errors import UnknownIdError
from tests.bench import support


def test_workers_change_nothing(tmp_path: Path) -> None:
    cells = [support.cell(seed=seed) for seed in (0, 1)]
    alone = run_cells(cells, tmp_path / "alone", workers=1)
    together = run_cells(cells, tmp_path / "together", workers=2, reporter=support.Listener(), num_threads=1)
    assert [outcome.folder.name for outcome in together] == ["seed-0", "seed-1"]
    assert {outcome.status for outcome in (*alone, *together)} == {"complete"}
    for one, other in zip(alone, together, strict=True):
        assert support.table_bytes(one) == support.table_bytes(other)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_failing_cell_costs_nothing_but_itself(tmp_path: Path, workers: int) -> None:
    cells = [support.cell(misdeed="training raises"), support.cell(seed=1)]
    failed, fine = run_cells(cells, tmp_path, workers=workers, reporter=support.Listener())
    assert (failed.status, fine.status) == ("failed", "complete")
    assert "divided by nothing" in failed.message


def test_a_worker_that_dies_is_named_with_its_exit_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(support.FAULT, "train/kill:3000")
    listener = support.Listener()
    cells = [support.cell(), Cell(protocol="smoke-v1", suite=support.SUITE, agent="random", seed=0)]
    died, fine = run_cells(cells, tmp_path, workers=2, reporter=listener)
    assert (died.status, fine.status) == ("failed", "complete")
    assert "exit code -9" in died.message
    assert listener.messages == [died.message]
    monkeypatch.delenv(support.FAULT)
    (resumed,) = run_cells(cells[:1], tmp_path, workers=1)
    assert (resumed.status, resumed.resumed) == ("complete", True)


def test_a_mistyped_id_stops_everything_before_the_first_cell(tmp_path: Path) -> None:
    cells = [support.cell(), support.cell("test-lerner")]
    with pytest.raises(UnknownIdError, match="test-learner"):
        run_cells(cells, tmp_path / "runs", workers=1)
    assert not (tmp_path / "runs").exists()


def test_a_signal_reaches_the_workers_and_waits_for_them(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), support.FAULT: "train/wait:3000"}
    code = f"from tests.bench import support; support.main_of_two({str(tmp_path)!r})"
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=support.REPOSITORY, env=environment, stderr=subprocess.PIPE, text=True
    )
    logs = [support.cell(seed=seed).folder(tmp_path) / "training.jsonl" for seed in (0, 1)]
    while process.poll() is None and not all(log.exists() and '"boundary": 2800' in log.read_text() for log in logs):
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said.count("steps since the last save point are lost") == 2
    assert "--seeds 0" in said
    assert "--seeds 1" in said
