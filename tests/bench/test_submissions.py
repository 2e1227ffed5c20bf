"""Submissions: what was packed verifies elsewhere, and whatever is changed in it is found and named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from safetensors.numpy import load_file, save_file

from metarl_bench.cells import Cell
from metarl_bench.cli import main
from metarl_bench.errors import ConfigError, RecordError
from metarl_bench.records import (
    EPISODES,
    MANIFEST,
    find_runs,
    load_cells,
    read_manifest,
    read_rows,
    write_manifest,
    write_rows,
)
from metarl_bench.runner import run_cell
from metarl_bench.storage import digest
from metarl_bench.submissions.add import add, evidence_mib
from metarl_bench.submissions.pack import pack
from metarl_bench.submissions.verify import Verification, verify
from metarl_bench.verification import VERIFICATION
from tests.bench import support

CARD: dict[str, object] = {"name": "A learner", "authors": ["Ada"], "division": "standard", "configurations_tried": 1}
SUITES = ("toy/point-robot-v1", "toy/sparse-point-robot-v1")
EVIDENCE = "evidence/8000/test.safetensors"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seeds on two suites."""
    root = tmp_path_factory.mktemp("submissions") / "runs"
    for suite in SUITES:
        for seed in (0, 1):
            run_cell(Cell(protocol="smoke-v1", suite=suite, agent="test-learner", seed=seed), root)
    return root


@pytest.fixture(scope="module")
def packed(runs: Path) -> Path:
    out = runs.parent / "packed"
    pack(find_runs([runs]), out, CARD, weights=True)
    return out


@pytest.fixture
def submission(packed: Path, tmp_path: Path) -> Path:
    """A copy to tamper with."""
    return Path(shutil.copytree(packed, tmp_path / "submission"))


def run_of(submission: Path, seed: int = 0) -> Path:
    return submission / "runs" / "smoke-v1" / SUITES[0] / "test-learner" / f"seed-{seed}"


def edit_manifest(run: Path, **changes: Any) -> None:
    values = json.loads((run / MANIFEST).read_text())
    (run / MANIFEST).write_text(json.dumps(values | changes))


def sign(run: Path, *names: str) -> None:
    """Makes the manifest agree with changed files, as a careful cheat would."""
    checksums = read_manifest(run).checksums | {name: digest(run / name) for name in names}
    edit_manifest(run, checksums=checksums)


def edit_rows(run: Path, change: Callable[[list[dict[str, Any]]], None]) -> None:
    rows = read_rows(run, EPISODES, read_manifest(run))
    change(rows)
    write_rows(run, EPISODES, rows)
    sign(run, EPISODES)


def only_problem(found: Verification) -> str:
    assert found.verdict == "rejected"
    assert len(found.rejected) == 1, found.rejected
    return found.rejected[0]


# -- what is genuine ---------------------------------------------------------------------------------------------------


def test_a_packed_submission_verifies(packed: Path) -> None:
    found = verify(packed)
    assert (found.verdict, found.rejected, found.unchecked) == ("verified", [], [])
    assert len(found.runs) == 4
    assert all(run.exact and run.drift == 0 for run in found.runs.values())
    report = json.loads(json.dumps(found.to_json()))
    assert set(report["trust"].values()) == {"replayed", "recomputed", "self-reported"}


def test_a_pack_holds_plain_data_only(packed: Path) -> None:
    assert {path.suffix for path in packed.rglob("*") if path.is_file()} == {
        ".json",
        ".jsonl",
        ".parquet",
        ".safetensors",
    }


def test_evidence_of_an_older_run_is_recorded_from_its_weights(runs: Path, tmp_path: Path) -> None:
    def forget(rows: list[dict[str, Any]]) -> None:
        for row in rows:
            del row["success_at_end"]  # the column that is younger than the first runs

    root = Path(shutil.copytree(runs, tmp_path / "runs"))
    for run in find_runs([root]):
        edit_rows(run, forget)
        shutil.rmtree(run / "evidence")
        manifest = read_manifest(run)
        kept = {name: value for name, value in manifest.checksums.items() if not name.startswith("evidence")}
        write_manifest(run, manifest.model_copy(update={"checksums": kept}))
    pack(find_runs([root]), tmp_path / "packed", CARD)
    assert verify(tmp_path / "packed").verdict == "verified"


def test_packing_refuses_what_is_no_result(runs: Path, packed: Path, tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="is not empty"):
        pack(find_runs([runs]), packed, CARD)
    with pytest.raises(RecordError, match="holds no run"):
        find_runs([tmp_path])
    support.go(tmp_path / "partial", until=4000)
    with pytest.raises(RecordError, match="is partial"):
        pack(find_runs([tmp_path / "partial"]), tmp_path / "out", CARD)


def test_a_pack_that_fails_leaves_nothing_behind_and_blocks_no_other(runs: Path, tmp_path: Path) -> None:
    found, out = find_runs([runs]), tmp_path / "deep" / "packed"
    with pytest.raises(ValidationError, match="configurations_tried"):
        pack(found, out, CARD | {"configurations_tried": 0})
    assert not list(tmp_path.iterdir())  # the card is looked at first

    older = Path(shutil.copytree(runs, tmp_path / "older"))
    last = find_runs([older])[-1]
    shutil.rmtree(last / "evidence")
    shutil.rmtree(last / "checkpoints")
    with pytest.raises(RecordError, match="neither evidence nor final weights"):
        pack(find_runs([older]), out, CARD)
    with pytest.raises(RecordError, match="lacks checkpoints/8000"):
        pack(find_runs([older]), out, CARD, weights=True)
    assert not list(out.parent.iterdir())

    out.mkdir()  # an empty folder is as good as none
    pack(found, out, CARD)
    assert verify(out).verdict == "verified"
    assert [path.name for path in out.parent.iterdir()] == ["packed"]


def test_packing_nothing_or_onto_a_file_is_refused(runs: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No run was given"):
        pack([], tmp_path / "packed", CARD)
    (tmp_path / "file").write_text("mine")
    with pytest.raises(RecordError, match="is a file"):
        pack(find_runs([runs]), tmp_path / "file", CARD)
    assert (tmp_path / "file").read_text() == "mine"


def test_replay_tells_runs_that_are_no_results_from_those_that_differ(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["replay"]) == 2
    assert "No run was given" in capsys.readouterr().err
    moved = Path(shutil.copytree(find_runs([runs])[0], tmp_path / "moved"))
    assert main(["replay", str(moved)]) == 2
    assert capsys.readouterr().out.startswith(f"not checked  {moved}: it lies in ")
    support.go(tmp_path / "partial", until=4000)
    assert main(["replay", str(tmp_path / "partial")]) == 2
    assert ": it is partial, on test tasks; expected complete" in capsys.readouterr().out
    copy = Path(shutil.copytree(runs, tmp_path / "copy"))
    edit_rows(find_runs([copy])[0], lambda rows: rows[3].update({"return": 7.5}))
    assert main(["replay", str(copy), str(moved)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition("  ")[0] for line in lines] == ["DIFFERS", *["genuine"] * 3, "not checked"]


def test_verifying_a_folder_that_is_not_there_is_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("verify", "add"):
        assert main([command, str(tmp_path / "nope")]) == 2
        assert f"There is no folder {tmp_path / 'nope'}" in capsys.readouterr().err


def test_packing_refuses_a_second_run_of_a_seed(runs: Path, tmp_path: Path) -> None:
    again = Path(shutil.copytree(runs, tmp_path / "again"))
    with pytest.raises(RecordError, match="is a second run of toy/point-robot-v1, seed 0"):
        pack(find_runs([runs, again]), tmp_path / "out", CARD)


# -- what is not -------------------------------------------------------------------------------------------------------


def test_one_flipped_byte_of_an_action_names_the_episode(submission: Path) -> None:
    run = run_of(submission)
    content = bytearray((run / EVIDENCE).read_bytes())
    header = int.from_bytes(content[:8], "little")
    begin = json.loads(content[8 : 8 + header])["actions"]["data_offsets"][0]
    content[8 + header + begin + 6] ^= 0x40
    (run / EVIDENCE).write_bytes(content)
    assert "does not have the checksum" in only_problem(verify(submission))
    sign(run, EVIDENCE)
    problem = only_problem(verify(submission))
    assert "the replay differs: test task" in problem
    assert "trial 0, evaluation episode 0 after shot 0: step 0 paid" in problem


def test_an_edited_return_is_rejected_with_both_numbers(submission: Path) -> None:
    def improve(rows: list[dict[str, Any]]) -> None:
        row = next(row for row in rows if row["checkpoint_steps"] == 8000 and row["split"] == "test")
        row["return"] = -0.125

    edit_rows(run_of(submission), improve)
    problem = only_problem(verify(submission))
    assert "the record has the return -0.125; expected -" in problem


def test_an_edited_claim_is_rejected_with_both_numbers(submission: Path) -> None:
    card = json.loads((submission / "submission.json").read_text())
    genuine = card["claims"][0]["scores"][1]
    card["claims"][0]["scores"][1] = -1.5
    (submission / "submission.json").write_text(json.dumps(card))
    problem = only_problem(verify(submission))
    assert "seed 1: the card claims the score -1.5" in problem
    assert repr(genuine) in problem


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda rows: rows.pop(3), "is missing: checkpoint 4000, test task"),
        (lambda rows: rows.append(dict(rows[3])), "stands more than once: checkpoint 4000, test task"),
        (lambda rows: rows[3].update(task=29), "is not in the rules: checkpoint 4000, test task 29"),
        (lambda rows: rows[3].update({"return": 7.5}), "no episode of toy/point-robot-v1 can be outside"),
        (lambda rows: rows[3].update({"return": float("nan")}), "return has values that are NaN"),
    ],
)
def test_records_that_are_not_the_rules_are_rejected(
    submission: Path, change: Callable[[list[dict[str, Any]]], None], told: str
) -> None:
    edit_rows(run_of(submission), change)
    assert told in only_problem(verify(submission))


def test_the_same_folder_under_another_name_is_flagged(submission: Path, runs: Path) -> None:
    assert verify(submission, against=[runs]).verdict == "verified"
    for run in sorted((submission / "runs").glob("*/*/*/test-learner")):
        run.rename(run.with_name("my-own-idea"))
    for run in find_runs([submission / "runs"]):
        edit_manifest(run, agent="my-own-idea")
    card = json.loads((submission / "submission.json").read_text())
    (submission / "submission.json").write_text(json.dumps(card | {"agent": "my-own-idea"}))
    assert verify(submission).verdict == "verified"  # nothing in it is wrong by itself
    assert "a copy is no result of its own" in only_problem(verify(submission, against=[runs]))


def test_seeds_must_be_the_first_ones(submission: Path) -> None:
    shutil.rmtree(run_of(submission, seed=0))
    assert "the seeds are [1]; expected the first ones without gaps" in only_problem(verify(submission))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"seed": 1}, "it lies in"),
        ({"digest": "0" * 16}, "its rules are not those of smoke-v1"),
        ({"config": {"rate": 0.2}}, "the configuration does not have the digest"),
        ({"status": "partial"}, "expected complete"),
        ({"steps": 9000}, "it states 9000 steps"),
        ({"unknown": 1}, "Extra inputs are not permitted"),
        ({"steps": "8000"}, "steps: Input should be a valid integer"),
    ],
)
def test_an_edited_manifest_is_rejected(submission: Path, changes: dict[str, Any], told: str) -> None:
    edit_manifest(run_of(submission), **changes)
    assert told in only_problem(verify(submission))


def test_edited_rules_are_named(submission: Path) -> None:
    run = run_of(submission)
    edit_manifest(run, covers=read_manifest(run).covers | {"num_trials": 3})
    assert "num_trials differ" in only_problem(verify(submission))


def test_a_privileged_run_needs_a_privileged_card(submission: Path) -> None:
    edit_manifest(run_of(submission), division="privileged")
    assert "the card says standard" in only_problem(verify(submission))


def test_spliced_evidence_is_rejected(submission: Path) -> None:
    run = run_of(submission)
    tensors = load_file(run / EVIDENCE)
    for name, array in tensors.items():
        if name.startswith("snapshot."):
            tensors[name] = np.roll(array, 1, axis=0)
    save_file(tensors, run / EVIDENCE, {"schema": "1"})
    sign(run, EVIDENCE)
    assert "does not begin with the protocol's reset" in only_problem(verify(submission))


def test_damaged_weights_are_rejected(submission: Path) -> None:
    (weights,) = (run_of(submission) / "checkpoints" / "8000" / "weights").iterdir()
    weights.write_bytes(weights.read_bytes()[:-1] + b"?")
    assert "is corrupt" in only_problem(verify(submission))


# -- what cannot be checked --------------------------------------------------------------------------------------------


def test_what_is_unknown_here_is_unchecked_not_rejected(submission: Path) -> None:
    edit_manifest(run_of(submission), schema_version=2)
    found = verify(submission)
    assert found.verdict == "unchecked"
    assert "schema version 2; this version reads 1" in found.unchecked[0]


def test_missing_evidence_is_unchecked(submission: Path) -> None:
    (run_of(submission) / EVIDENCE).unlink()
    found = verify(submission)
    assert found.verdict == "unchecked"
    assert "is missing, so this cannot be checked" in found.unchecked[0]


def test_another_machine_is_compared_within_the_tolerance(submission: Path) -> None:
    run = run_of(submission)
    edit_manifest(run, fingerprint=read_manifest(run).fingerprint | {"cpu_flags": "0" * 12})
    found = verify(submission)
    assert found.verdict == "verified"
    assert not found.runs[run.relative_to(submission).as_posix()].exact


# -- adding ------------------------------------------------------------------------------------------------------------


def test_a_verified_submission_is_added_and_shown_as_verified(packed: Path, tmp_path: Path) -> None:
    results = tmp_path / "results"
    results.mkdir()
    assert add(packed, results).verdict == "verified"
    cells = load_cells(results)
    assert len(cells) == 4
    assert cells["verified"].all()
    assert evidence_mib(results) > 0
    edit_manifest(Path(cells["folder"].iloc[0]), steps=1)
    assert load_cells(results)["verified"].sum() == 3  # a change takes the mark away


def test_extra_data_is_marked(submission: Path, tmp_path: Path) -> None:
    card = json.loads((submission / "submission.json").read_text())
    (submission / "submission.json").write_text(json.dumps(card | {"division": "extra-data"}))
    results = tmp_path / "results"
    results.mkdir()
    add(submission, results)
    assert load_cells(results)["extra_data"].all()


def test_a_run_that_is_there_gets_what_it_lacks(packed: Path, runs: Path, tmp_path: Path) -> None:
    results = Path(shutil.copytree(runs, tmp_path / "results"))
    assert not load_cells(results)["verified"].any()
    assert add(packed, results, evidence_by_hash=True).verdict == "verified"
    assert load_cells(results)["verified"].all()


def test_claims_of_a_replaced_configuration_go(packed: Path, tmp_path: Path) -> None:
    results = tmp_path / "results"
    results.mkdir()
    add(packed, results)
    path = results / "submissions" / "test-learner.json"
    card = json.loads(path.read_text())
    # The claims as an earlier submission left them: one of another configuration, one of a suite that is not packed.
    card["claims"][0]["config_digest"] = "0" * 12
    card["claims"].append(card["claims"][1] | {"suite": "toy/other-v1"})
    path.write_text(json.dumps(card))
    add(packed, results)
    claims = json.loads(path.read_text())["claims"]
    assert sorted(claim["suite"] for claim in claims) == sorted([*SUITES, "toy/other-v1"])
    assert "0" * 12 not in {claim["config_digest"] for claim in claims}


def test_nothing_is_added_unless_it_verifies(submission: Path, tmp_path: Path) -> None:
    edit_manifest(run_of(submission), status="partial")
    assert add(submission, tmp_path).verdict == "rejected"
    assert list(tmp_path.rglob(VERIFICATION)) == []


def test_another_run_of_the_same_cell_and_a_taken_id_are_refused(
    submission: Path, packed: Path, tmp_path: Path
) -> None:
    results = tmp_path / "results"
    results.mkdir()
    add(packed, results)
    card = json.loads((submission / "submission.json").read_text())
    (submission / "submission.json").write_text(json.dumps(card | {"authors": ["Eve"]}))
    with pytest.raises(RecordError, match="belongs to a submission of Ada"):
        add(submission, results)
    (submission / "submission.json").write_text(json.dumps(card))
    target = results / "smoke-v1" / SUITES[0] / "test-learner" / "seed-0"
    edit_rows(target, lambda rows: rows[3].update({"return": -1.0}))
    with pytest.raises(RecordError, match="holds another run of this cell"):
        add(submission, results)
