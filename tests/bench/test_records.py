import hashlib
import json
import platform
import shutil
from pathlib import Path

import pytest

from metarl_bench.errors import RecordError
from metarl_bench.records import (
    EPISODES,
    encode,
    load_cells,
    load_results,
    load_within_trial,
    read_manifest,
    read_rows,
)
from metarl_bench.run_folder import retire
from metarl_bench.runner import Outcome, run
from metarl_bench.storage import check_seal, sealed_folder, write_atomically
from tests.bench import support


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return support.go(tmp_path_factory.mktemp("records") / "runs")


@pytest.fixture
def copied(finished: Outcome, tmp_path: Path) -> Path:
    """A run folder that a test may damage."""
    return Path(shutil.copytree(finished.folder, tmp_path / "runs" / "seed-0"))


def edit_manifest(folder: Path, **changes: object) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_every_episode_has_exactly_one_row(finished: Outcome) -> None:
    frame = load_results(finished.folder)
    place = ["checkpoint_steps", "split", "task", "trial", "shot", "episode", "phase"]
    assert not frame.duplicated(place).any()
    # 3 tasks x 2 trials, each with 1 adaptation episode and an evaluation episode after 0 and after 1 of them.
    counts = frame.groupby(["checkpoint_steps", "split"]).size()
    assert counts.to_dict() == {(4000, "test"): 18, (8000, "test"): 18, (8000, "train"): 18, (8000, "test_ood"): 18}


def test_rewards_within_a_trial_are_in_order_of_time(finished: Outcome) -> None:
    frame = load_within_trial(finished.folder)
    first = frame[(frame.checkpoint_steps == 4000) & (frame.split == "test")]
    assert first.time.tolist() == list(range(20))
    adaptation = load_results(finished.folder).query("checkpoint_steps == 4000 and phase == 'adaptation'")
    assert first.reward.sum() == pytest.approx(adaptation["return"].mean())


def test_cells_tell_what_a_run_cost(finished: Outcome) -> None:
    (row,) = load_cells(finished.folder).to_dict("records")
    assert (row["status"], row["steps"], row["budget"], row["run"]) == ("complete", 7920, 8000, 1)
    assert row["seconds"] > 0
    assert row["meta_test_seconds"] > 0
    assert row["peak_memory_mib"] > 10
    assert row["covers"]["suite"] == support.SUITE


def test_a_manifest_names_no_machine_and_no_folder(finished: Outcome) -> None:
    text = (finished.folder / "manifest.json").read_text()
    assert platform.node() not in text
    assert str(support.REPOSITORY) not in text
    assert str(finished.folder.parent) not in text


def test_equal_rows_give_equal_bytes(finished: Outcome) -> None:
    rows = read_rows(finished.folder, EPISODES, read_manifest(finished.folder))
    assert encode(EPISODES, rows) == (finished.folder / EPISODES).read_bytes()
    assert encode(EPISODES, rows[::-1]) != (finished.folder / EPISODES).read_bytes()


def test_tables_of_older_runs_keep_their_columns(finished: Outcome, copied: Path) -> None:
    rows = read_rows(copied, EPISODES, read_manifest(copied))
    older = [{name: value for name, value in row.items() if name != "success_at_end"} for row in rows]
    content = encode(EPISODES, older)
    (copied / EPISODES).write_bytes(content)
    edit_manifest(copied, checksums=read_manifest(copied).checksums | {EPISODES: hashlib.sha256(content).hexdigest()})
    assert read_rows(copied, EPISODES, read_manifest(copied)) == older
    assert load_results(copied)["success_at_end"].isna().all()
    assert load_results(finished.folder)["success_at_end"].notna().all()
    # A run that was begun before and goes on now has it in no row.
    assert encode(EPISODES, [older[0], rows[1]]) == encode(EPISODES, older[:2])


def test_a_moved_folder_reads_the_same(finished: Outcome, copied: Path) -> None:
    frame = load_results(copied.parent).drop(columns="root")
    assert frame.equals(load_results(finished.folder).drop(columns="root"))
    assert len(frame) > 0


def test_a_changed_score_is_refused(copied: Path) -> None:
    rows = read_rows(copied, EPISODES, read_manifest(copied))
    rows[0]["return"] += 1.0
    (copied / EPISODES).write_bytes(encode(EPISODES, rows))
    with pytest.raises(RecordError, match=r"episodes\.parquet does not match its checksum"):
        load_results(copied)


def test_a_dropped_row_is_refused(copied: Path) -> None:
    rows = read_rows(copied, EPISODES, read_manifest(copied))
    (copied / EPISODES).write_bytes(encode(EPISODES, rows[1:]))
    with pytest.raises(RecordError, match="does not match its checksum"):
        load_results(copied)


def test_a_truncated_table_is_refused(copied: Path) -> None:
    content = (copied / EPISODES).read_bytes()
    (copied / EPISODES).write_bytes(content[: len(content) // 2])
    with pytest.raises(RecordError, match=r"episodes\.parquet cannot be read"):
        load_results(copied)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("{", "not a manifest that this version reads: the file: Invalid JSON"),
        ("[]", "should be an object"),
        ('{"schema_version": 2}', "schema_version"),
        ("\x00", "Invalid JSON"),
    ],
)
def test_a_corrupt_manifest_is_refused_with_its_path_and_the_mend(copied: Path, content: str, problem: str) -> None:
    (copied / "manifest.json").write_text(content)
    with pytest.raises(RecordError, match=problem) as caught:
        load_results(copied)
    assert str(copied / "manifest.json") in str(caught.value)
    assert "--force-new-run" in str(caught.value)


@pytest.mark.parametrize(
    "changes", [{"steps": "8000"}, {"steps": -1}, {"status": "done"}, {"note": "an unknown field"}, {"config": None}]
)
def test_a_manifest_with_a_wrong_field_is_refused(copied: Path, changes: dict[str, object]) -> None:
    edit_manifest(copied, **changes)
    with pytest.raises(RecordError, match=next(iter(changes))):
        read_manifest(copied)


def test_a_manifest_with_a_missing_field_is_refused(copied: Path) -> None:
    values = json.loads((copied / "manifest.json").read_text())
    del values["digest"]
    (copied / "manifest.json").write_text(json.dumps(values))
    with pytest.raises(RecordError, match="digest: Field required"):
        read_manifest(copied)


def test_retired_runs_are_left_out(copied: Path) -> None:
    retire(copied)
    assert not copied.exists()
    assert load_results(copied.parent).empty
    assert list(load_results(copied.parent).columns) != []


def test_loading_from_no_folder_says_so(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="not a folder"):
        load_results(tmp_path / "nothing")


def test_partial_runs_are_marked(tmp_path: Path) -> None:
    run(protocol="smoke-v1", suite=support.SUITE, agent="test-learner", out=tmp_path / "runs", until=4000)
    assert set(load_results(tmp_path).status) == {"partial"}
    assert set(load_results(tmp_path).checkpoint_steps) == {4000}


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    write_atomically(tmp_path / "file", "old")
    (tmp_path / ".tmp-file").mkdir()  # the temporary file cannot be made
    with pytest.raises(RecordError, match="cannot be written"):
        write_atomically(tmp_path / "file", "new")
    assert (tmp_path / "file").read_text() == "old"


@pytest.mark.parametrize("damage", ["change", "add", "remove", "no seal"])
def test_a_sealed_folder_notices_every_change(tmp_path: Path, damage: str) -> None:
    with sealed_folder(tmp_path / "sealed") as folder:
        (folder / "weights").write_bytes(b"123")
    check_seal(tmp_path / "sealed")
    weights = tmp_path / "sealed" / "weights"
    if damage == "change":
        weights.write_bytes(b"124")
    elif damage == "add":
        weights.with_name("more").write_bytes(b"")
    else:
        (weights if damage == "remove" else weights.with_name("checksums.json")).unlink()
    with pytest.raises(RecordError):
        check_seal(tmp_path / "sealed")
