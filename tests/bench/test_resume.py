"""Runs that are killed, damaged or stopped end with the same bytes as one that was left alone."""

import json
import os
import shutil
import signal
import time
from pathlib import Path

import pytest

from metarl_bench.errors import RecordError
from metarl_bench.records import load_results, read_manifest
from metarl_bench.run_folder import RunFolder, SaveState
from metarl_bench.runner import Outcome, run_cell
from tests.bench import support


def saves(out: Path) -> list[Path]:
    """The save points, newest first."""
    return sorted((support.run_folder(out) / "save").iterdir(), key=lambda path: int(path.name), reverse=True)


def assert_ends_as(reference: Outcome, out: Path, **options: object) -> None:
    outcome = support.go(out, **options)
    assert outcome.resumed
    support.assert_same_end(reference, outcome)


def put(path: Path, content: bytes) -> None:
    path.write_bytes(content)


# In training, in the middle of writing the weights or the training state of a save point, and in a meta-test.
@pytest.mark.parametrize("fault", ["train/kill:1234", "save/kill:4500", "save-training/kill:4500", "test/kill:0"])
def test_a_killed_run_ends_as_if_nothing_had_happened(reference: Outcome, tmp_path: Path, fault: str) -> None:
    died = support.go_in_process(tmp_path / "runs", fault=fault)
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert_ends_as(reference, tmp_path / "runs")


def test_a_run_killed_before_its_first_save_point_starts_again(reference: Outcome, tmp_path: Path) -> None:
    assert support.go_in_process(tmp_path / "runs", fault="train/kill:100").returncode == -signal.SIGKILL
    outcome = support.go(tmp_path / "runs")
    assert not outcome.resumed
    assert support.table_bytes(outcome) == support.table_bytes(reference)


def test_a_run_that_was_stopped_goes_on(reference: Outcome, partial: Path) -> None:
    assert_ends_as(reference, partial)


def test_a_moved_run_goes_on(reference: Outcome, partial: Path, tmp_path: Path) -> None:
    assert_ends_as(reference, partial.rename(tmp_path / "moved"))


def test_a_run_that_goes_on_elsewhere_says_so(reference: Outcome, partial: Path) -> None:
    path = support.run_folder(partial) / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["fingerprint"]["cpu"] = "Another CPU"
    path.write_text(json.dumps(manifest))
    listener = support.Listener()
    assert_ends_as(reference, partial, reporter=listener)
    (message,) = listener.messages
    assert "begun on another machine" in message


def test_neither_clock_nor_time_zone_matter(
    reference: Outcome, partial: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    # The newest files seem to be the oldest, the clock stands in 1970, and the day began somewhere else.
    for age, path in enumerate(sorted(partial.rglob("*"), key=lambda path: path.stat().st_mtime_ns)):
        os.utime(path, (4_000_000_000 - age, 4_000_000_000 - age))
    monkeypatch.setattr(time, "time", lambda: 0.0)
    request.addfinalizer(time.tzset)
    with monkeypatch.context() as context:
        context.setenv("TZ", "Pacific/Kiritimati")
        time.tzset()
        assert_ends_as(reference, partial)


def test_a_finished_run_is_left_as_it_is(reference: Outcome) -> None:
    before = {path: path.stat().st_mtime_ns for path in reference.folder.rglob("*") if not path.name.startswith(".")}
    outcome = support.go(reference.folder.parents[4])
    assert (outcome.status, outcome.resumed, outcome.steps) == ("complete", True, reference.steps)
    after = {path: path.stat().st_mtime_ns for path in reference.folder.rglob("*") if not path.name.startswith(".")}
    # Only the folder's own time may change, since the lock's note comes and goes.
    assert {**after, reference.folder: 0} == {**before, reference.folder: 0}


def test_only_two_save_points_are_kept(partial: Path) -> None:
    assert [path.name for path in saves(partial)] == ["4400", "4000"]


def test_a_flipped_bit_falls_back_to_the_save_point_before(reference: Outcome, partial: Path) -> None:
    file = saves(partial)[0] / "weights" / "mean.json"
    content = bytearray(file.read_bytes())
    content[3] ^= 1
    file.write_bytes(content)
    listener = support.Listener()
    assert_ends_as(reference, partial, reporter=listener)
    (message,) = listener.messages
    assert "weights/mean.json differs from its checksum" in message
    assert "save point before" in message


def test_without_any_sound_save_point_a_new_run_is_asked_for(partial: Path) -> None:
    for save in saves(partial):
        (save / "state.json").write_text("")
    with pytest.raises(RecordError, match=r"no sound save point.*--force-new-run"):
        support.go(partial)
    assert set(load_results(partial).checkpoint_steps) == {4000}
    assert support.go(partial, force_new_run=True).status == "complete"


def test_falling_back_behind_a_checkpoint_tests_it_again(reference: Outcome, tmp_path: Path) -> None:
    support.go(tmp_path / "runs", until=4000)
    assert [path.name for path in saves(tmp_path / "runs")] == ["4000", "3600"]
    (saves(tmp_path / "runs")[0] / "training" / "steps.json").unlink()
    assert_ends_as(reference, tmp_path / "runs")


def test_an_edited_step_counter_is_noticed(reference: Outcome, partial: Path) -> None:
    newest = saves(partial)[0]
    folder = RunFolder(support.run_folder(partial), print)
    state = SaveState.model_validate_json((newest / "state.json").read_bytes())
    files = {name: (newest / name).read_bytes() for name in ("weights/mean.json", "training/steps.json")}
    # Sealed again, so that only the count is wrong.
    folder.save(
        state.model_copy(update={"steps": 100}),
        lambda place: put(place / "mean.json", files["weights/mean.json"]),
        lambda place: put(place / "steps.json", files["training/steps.json"]),
    )
    listener = support.Listener()
    assert_ends_as(reference, partial, reporter=listener)
    assert "counts 100 steps" in listener.messages[0]


def test_rows_that_were_not_committed_are_dropped_and_written_once(reference: Outcome, partial: Path) -> None:
    # As a crash leaves it between the tables and the manifest of the last checkpoint.
    for name in support.TABLES:
        shutil.copy(reference.folder / name, support.run_folder(partial) / name)
    assert set(load_results(partial).checkpoint_steps) == {4000}
    assert_ends_as(reference, partial)


def test_a_torn_line_of_the_training_log_is_dropped_with_one_message(reference: Outcome, partial: Path) -> None:
    with (support.run_folder(partial) / "training.jsonl").open("a") as file:
        file.write('{"boundary": 4800, "ste')
    listener = support.Listener()
    assert_ends_as(reference, partial, reporter=listener)
    (message,) = listener.messages
    assert "line 12 is torn" in message
    lines = (support.run_folder(partial) / "training.jsonl").read_text().splitlines()
    assert [json.loads(line)["boundary"] for line in lines] == list(range(400, 8001, 400))


def test_lines_of_lost_work_are_dropped_from_the_training_log(reference: Outcome, partial: Path) -> None:
    with (support.run_folder(partial) / "training.jsonl").open("a") as file:
        file.write('{"boundary": 4800, "steps": 4800}\n')
    assert_ends_as(reference, partial)
    assert len((support.run_folder(partial) / "training.jsonl").read_text().splitlines()) == 20


def test_an_agent_that_cannot_resume_starts_over(tmp_path: Path) -> None:
    whole = support.go(tmp_path / "whole", "test-learner-once")
    support.go(tmp_path / "runs", "test-learner-once", until=4400)
    listener = support.Listener()
    outcome = support.go(tmp_path / "runs", "test-learner-once", reporter=listener)
    assert not outcome.resumed
    assert "starts over" in listener.messages[0]
    assert support.table_bytes(outcome) == support.table_bytes(whole)


def test_a_failed_run_goes_on_once_the_agent_is_mended(
    reference: Outcome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(support.FAULT, "train/raise:5000")
    with pytest.raises(Exception, match="asked to fail"):
        support.go(tmp_path / "runs")
    assert read_manifest(support.run_folder(tmp_path / "runs")).status == "failed"
    monkeypatch.delenv(support.FAULT)
    assert_ends_as(reference, tmp_path / "runs")
    assert read_manifest(support.run_folder(tmp_path / "runs")).failure == ""


def test_time_spent_adds_up_over_sessions(partial: Path) -> None:
    before = read_manifest(support.run_folder(partial))
    outcome = run_cell(support.cell(), partial)
    after = read_manifest(outcome.folder)
    assert after.train_seconds > before.train_seconds > 0
    assert after.meta_test_seconds > before.meta_test_seconds > 0
