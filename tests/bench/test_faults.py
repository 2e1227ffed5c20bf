"""Input that cannot be run is refused before any simulation step, and nothing that was stored is lost."""

import json
import os
from pathlib import Path

import pytest

from metarl_bench.errors import RecordError
from metarl_bench.run_folder import locked
from metarl_bench.runner import run_cell
from tests.bench import support


def refusal(out: Path, cell: object = None, **options: object) -> str:
    """Returns the message of a refusal, having checked that no step was simulated."""
    listener = support.Listener()
    with pytest.raises(RecordError) as caught:
        run_cell(cell or support.cell(), out, reporter=listener, **options)
    assert listener.most_steps == 0
    return str(caught.value)


def test_an_output_folder_without_a_parent_is_refused(tmp_path: Path) -> None:
    said = refusal(tmp_path / "mistyped" / "runs")
    assert f"mkdir -p {tmp_path / 'mistyped'}" in said
    assert not (tmp_path / "mistyped").exists()


def test_an_output_folder_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "no parent folder" in refusal(tmp_path / "file" / "runs")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder that even root cannot write to")
def test_an_output_folder_that_cannot_be_written_is_refused() -> None:
    assert "/proc/runs cannot be written" in refusal(Path("/proc/runs"))


def test_an_output_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "runs").touch()
    assert f"{tmp_path / 'runs'} cannot be written" in refusal(tmp_path / "runs")


def test_another_configuration_is_refused_with_a_line_a_difference(partial: Path) -> None:
    before = support.content(support.run_folder(partial))
    said = refusal(partial, support.cell(rate=0.5))
    assert "config.rate: 0.1 in the folder, 0.5 now" in said.splitlines()[1]
    assert len(said.splitlines()) == 3
    assert "--force-new-run" in said
    assert support.content(support.run_folder(partial)) == before


@pytest.mark.parametrize("package", ["mujoco", "metarl-bench", "numpy", "torch"])
def test_another_version_is_refused(partial: Path, package: str) -> None:
    path = support.run_folder(partial) / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["packages"][package] = "0.0.1"
    path.write_text(json.dumps(manifest))
    assert f'{package}: "0.0.1" in the folder, ' in refusal(partial)


def test_other_rules_are_refused(partial: Path) -> None:
    path = support.run_folder(partial) / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["digest"] = "0" * 16
    manifest["covers"]["num_trials"] = 60
    path.write_text(json.dumps(manifest))
    said = refusal(partial)
    assert "rules.num_trials: 60 in the folder, 6 now" in said
    assert 'digest: "0000000000000000" in the folder' in said


def test_a_new_run_is_forced_beside_the_old_one(partial: Path) -> None:
    before = (support.run_folder(partial) / "episodes.parquet").read_bytes()
    outcome = run_cell(support.cell(rate=0.5), partial, force_new_run=True)
    assert (outcome.status, outcome.resumed) == ("complete", False)
    old = outcome.folder.with_name("seed-0-retired-1")
    assert (old / "episodes.parquet").read_bytes() == before
    assert json.loads((outcome.folder / "manifest.json").read_text())["run"] == 2


def test_a_corrupt_manifest_is_refused_and_left_alone(partial: Path) -> None:
    path = support.run_folder(partial) / "manifest.json"
    path.write_text(path.read_text()[:100])
    before = support.content(support.run_folder(partial))
    said = refusal(partial)
    assert str(path) in said
    assert "--force-new-run" in said
    assert support.content(support.run_folder(partial)) == before


def test_results_without_their_manifest_are_refused(partial: Path) -> None:
    (support.run_folder(partial) / "manifest.json").unlink()
    assert "without their manifest.json" in refusal(partial)


def test_save_points_without_their_manifest_are_refused_until_a_new_run_is_forced(partial: Path) -> None:
    for name in ("manifest.json", "episodes.parquet"):
        (support.run_folder(partial) / name).unlink()
    assert "--force-new-run" in refusal(partial)
    assert run_cell(support.cell(), partial, force_new_run=True).status == "complete"


def test_changed_rows_are_refused_on_resume(partial: Path) -> None:
    path = support.run_folder(partial) / "episodes.parquet"
    path.write_bytes(path.read_bytes()[:-1])
    assert "episodes.parquet" in refusal(partial)


def test_a_second_writer_is_refused_and_told_who_the_first_is(partial: Path) -> None:
    with locked(support.run_folder(partial)):
        before = support.content(support.run_folder(partial))
        said = refusal(partial)
        assert f"process {os.getpid()} on " in said
        assert refusal(partial, force_new_run=True) == said
        assert support.content(support.run_folder(partial)) == before
    assert support.go(partial).status == "complete"


def test_a_second_process_is_refused(partial: Path) -> None:
    with locked(support.run_folder(partial)):
        second = support.go_in_process(partial)
    assert second.returncode != 0
    assert "is being written by process" in second.stderr


def test_the_lock_of_a_killed_process_does_not_stay(tmp_path: Path) -> None:
    assert support.go_in_process(tmp_path, fault="train/kill:500").returncode == -9
    assert (support.run_folder(tmp_path) / ".writer.json").exists()
    assert support.go(tmp_path).status == "complete"
    assert not (support.run_folder(tmp_path) / ".writer.json").exists()
