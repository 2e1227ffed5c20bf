"""Hostile submissions: names, kinds, sizes and contents that must be refused before anything is built from them."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import save

from metarl_bench.cells import Cell
from metarl_bench.errors import RecordError
from metarl_bench.evidence import read_evidence
from metarl_bench.records import EPISODES, MANIFEST, SCHEMAS, Manifest, find_runs, read_manifest
from metarl_bench.runner import run_cell
from metarl_bench.storage import digest
from metarl_bench.submissions.card import SubmissionCard
from metarl_bench.submissions.pack import pack
from metarl_bench.submissions.problems import Rejected, Unchecked
from metarl_bench.submissions.strict_json import read_model
from metarl_bench.submissions.verify import verify
from tests.bench import support  # noqa: F401 - registers the learner

RUN = "runs/smoke-v1/toy/point-robot-v1/test-learner/seed-0"
EVIDENCE = f"{RUN}/evidence/8000/test.safetensors"


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("hostile")
    run_cell(Cell(protocol="smoke-v1", suite="toy/point-robot-v1", agent="test-learner", seed=0), root / "runs")
    card: dict[str, object] = {"name": "L", "authors": ["A"], "division": "standard", "configurations_tried": 1}
    pack(find_runs([root / "runs"]), root / "packed", card)
    return root / "packed"


@pytest.fixture
def submission(packed: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(packed, tmp_path / "submission"))


def refusal(submission: Path) -> str:
    found = verify(submission)
    assert found.verdict == "rejected"
    assert not found.runs
    return "\n".join(found.rejected)


def rewrite(submission: Path, name: str, content: bytes) -> None:
    """Changes a file of the run and signs it, so that only its content can be what is wrong."""
    (submission / RUN / name).write_bytes(content)
    manifest = json.loads((submission / RUN / MANIFEST).read_text())
    manifest["checksums"][name] = digest(submission / RUN / name)
    (submission / RUN / MANIFEST).write_text(json.dumps(manifest))


# -- names and kinds ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["bomb.zip", "a.tar.gz", "runs/all.7z", f"{RUN}/episodes.parquet.zst", "x.tgz"])
def test_archives_are_not_accepted_and_not_opened(submission: Path, name: str) -> None:
    (submission / name).write_bytes(b"PK\x03\x04 never looked at")
    assert "Archives are not accepted" in refusal(submission)


@pytest.mark.parametrize(
    "name", ["policy.pt", "agent.pkl", "weights.npz", "model.ckpt", "agent.py", "x.so", "a.joblib"]
)
def test_code_and_pickles_are_refused_with_a_hint(submission: Path, name: str) -> None:
    (submission / RUN / "checkpoints" / "8000" / "weights").mkdir(parents=True)
    (submission / RUN / "checkpoints" / "8000" / "weights" / name).write_bytes(b"\x80\x04.")
    assert "export weights to safetensors" in refusal(submission)


@pytest.mark.parametrize(
    "name", ["notes.txt", ".hidden", "runs/x", "runs/a/b/c/d/seed-0/manifest.json.bak", "r\u202eun", "a\nb"]
)
def test_strangers_are_refused_and_printed_escaped(submission: Path, name: str) -> None:
    (submission / name).parent.mkdir(parents=True, exist_ok=True)
    (submission / name).write_text("")
    told = refusal(submission)
    assert "does not belong into a submission" in told
    assert told.isascii()
    assert "\n" not in told


def test_links_and_devices_are_refused(submission: Path) -> None:
    path = submission / EVIDENCE
    moved = submission.with_name("elsewhere")
    path.rename(moved)
    path.symlink_to(moved)
    assert "is no plain file" in refusal(submission)
    path.unlink()
    os.link(moved, path)
    assert "is a hard link" in refusal(submission)
    path.unlink()
    os.mkfifo(path)
    assert "is no plain file" in refusal(submission)


def test_a_linked_folder_is_not_followed(submission: Path, tmp_path: Path) -> None:
    (submission / "runs" / "more").symlink_to(tmp_path)
    assert "is no plain file" in refusal(submission)


def test_names_that_only_differ_in_case_are_refused(submission: Path) -> None:
    twin = submission / RUN.replace("test-learner", "Test-Learner")
    twin.mkdir(parents=True)
    (twin / MANIFEST).write_text("{}")
    assert "where case does not count" in refusal(submission)


def test_too_many_too_large_and_too_deep_are_refused(submission: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("metarl_bench.submissions.files.MOST_FILES", 3)
    assert "more than 3 files" in refusal(submission)
    monkeypatch.undo()
    with (submission / RUN / MANIFEST).open("r+b") as file:
        file.truncate(5 * 2**20)
    assert "expected at most" in refusal(submission)
    submission.joinpath(*"abcdefghijklmnopq").mkdir(parents=True)
    assert "nested too deeply" in refusal(submission)


def test_no_folder_and_no_card_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="There is no folder"):
        verify(tmp_path / "nowhere")
    assert "There is no submission.json" in refusal(tmp_path)


# -- JSON --------------------------------------------------------------------------------------------------------------

HOSTILE_JSON: dict[str, tuple[Callable[[str], bytes], str]] = {
    "NaN": (lambda text: text.replace('"steps": 7920', '"steps": NaN').encode(), "NaN is not a number of JSON"),
    "infinity": (lambda text: text.replace('"steps": 7920', '"steps": -Infinity').encode(), "-Infinity is not"),
    "huge float": (lambda text: text.replace('"train_seconds":', '"x": 1e999, "train_seconds":').encode(), "x: Extra"),
    "duplicate key": (lambda text: text.replace("{", '{"seed": 1, "seed": 0,', 1).encode(), "'seed' stands twice"),
    "depth": (lambda text: b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply"),
    "long integer": (lambda text: b'{"seed": ' + b"9" * 10_000 + b"}", "no strict JSON"),
    "byte order mark": (lambda text: b"\xef\xbb\xbf" + text.encode(), "no strict JSON"),
    "no UTF-8": (lambda text: b'{"a": "\xff"}', "no strict JSON"),
    "torn": (lambda text: text[:-20].encode(), "no strict JSON"),
    "empty": (lambda text: b"", "no strict JSON"),
    "list": (lambda text: b"[]", "holds a list"),
    "wrong type": (
        lambda text: text.replace('"seed": 0', '"seed": "0"').encode(),
        "seed: Input should be a valid integer",
    ),
    "bool for a number": (lambda text: text.replace('"seed": 0', '"seed": false').encode(), "seed: Input should be"),
}


@pytest.mark.parametrize("kind", HOSTILE_JSON)
def test_hostile_manifests_are_refused(submission: Path, kind: str) -> None:
    make, told = HOSTILE_JSON[kind]
    path = submission / RUN / MANIFEST
    path.write_bytes(make(path.read_text()))
    assert told in refusal(submission)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=300) | st.text(max_size=100).map(str.encode))
def test_any_bytes_as_a_card_are_refused_not_crashed_on(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "submission.json"
    path.write_bytes(content)
    with pytest.raises((Rejected, Unchecked)):
        read_model(path, SubmissionCard)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(max_size=10), values, max_size=3),
    max_leaves=5,
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(sorted(Manifest.model_fields)), value=JSON)
def test_any_value_in_a_manifest_is_a_verdict_never_a_traceback(
    packed: Path, tmp_path: Path, name: str, value: Any
) -> None:
    submission = tmp_path / "submission"
    shutil.rmtree(submission, ignore_errors=True)
    shutil.copytree(packed, submission)
    path = submission / RUN / MANIFEST
    path.write_text(json.dumps(json.loads(path.read_text()) | {name: value}))
    assert verify(submission).verdict in ("verified", "rejected", "unchecked")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("agent", "../../etc"),
        ("agent", "a b"),
        ("agent", "x" * 41),
        ("agent", "rl2\n"),
        ("name", ""),
        ("name", "n" * 10_000),
        ("authors", []),
        ("paper", "javascript:alert(1)"),
        ("code", "https://a b"),
        ("division", "open"),
        ("configurations_tried", 0),
        ("schema_version", 0),
    ],
)
def test_hostile_cards_are_refused(submission: Path, field: str, value: object) -> None:
    path = submission / "submission.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {field: value}))
    assert verify(submission).verdict == "rejected"


# -- tensors and tables ------------------------------------------------------------------------------------------------


def tensors(**changes: np.ndarray) -> bytes:
    arrays = {"steps": np.ones(3, np.int64), "actions": np.zeros((3, 6, 2)), "rewards": np.zeros((3, 6))}
    return save({**arrays, "active": np.ones((3, 6), np.bool_), **changes}, {"schema": "1"})


def header(text: str, rest: bytes = b"") -> bytes:
    return len(text).to_bytes(8, "little") + text.encode() + rest


HOSTILE_TENSORS = {
    "empty": (b"", "is damaged"),
    "huge header": ((2**62).to_bytes(8, "little") + b"{}", "its header has"),
    "header beyond the file": ((1000).to_bytes(8, "little") + b"{}", "its header has"),
    "no JSON": (header("nothing"), "its header cannot be read"),
    "deep": (header("[" * 60_000), "its header cannot be read"),
    "another schema": (save({"steps": np.ones(3)}, {"schema": "2"}), "expected '1'"),
    "overlap": (
        header(
            '{"__metadata__": {"schema": "1"}, "a": {"dtype": "F64", "shape": [1], "data_offsets": [0, 8]}, '
            '"b": {"dtype": "F64", "shape": [1], "data_offsets": [0, 8]}}',
            b"\0" * 8,
        ),
        "is damaged",
    ),
    "larger than it is": (
        header(
            '{"__metadata__": {"schema": "1"}, "a": {"dtype": "F64", "shape": [99999999999], '
            '"data_offsets": [0, 799999999992]}}'
        ),
        "is damaged",
    ),
    "truncated": (tensors()[:-3], "is damaged"),
    "half precision": (tensors(actions=np.zeros((3, 6, 2), np.float16)), "numbers of type F16"),
    "integers for actions": (tensors(actions=np.zeros((3, 6, 2), np.int64)), "holds actions as I64"),
    "floats for flags": (tensors(active=np.ones((3, 6))), "holds active as F64"),
    "a stranger": (tensors(weights=np.zeros(3)), "holds 'weights'"),
}


@pytest.mark.parametrize("kind", HOSTILE_TENSORS)
def test_hostile_evidence_is_refused(submission: Path, kind: str) -> None:
    content, told = HOSTILE_TENSORS[kind]
    rewrite(submission, "evidence/8000/test.safetensors", content)
    assert told in refusal(submission)


def test_a_hundred_thousand_tensors_are_refused_by_the_header(tmp_path: Path) -> None:
    entries = ",".join(f'"t{i}":{{"dtype":"F64","shape":[0],"data_offsets":[0,0]}}' for i in range(100_000))
    (tmp_path / "many").write_bytes(header(f"{{{entries}}}"))
    with pytest.raises(RecordError, match="its header has"):
        read_evidence(tmp_path / "many")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_damage_to_evidence_is_a_verdict_never_a_traceback(
    packed: Path, tmp_path: Path, data: st.DataObject
) -> None:
    submission = tmp_path / "submission"
    shutil.rmtree(submission, ignore_errors=True)
    shutil.copytree(packed, submission)
    content = bytearray((submission / EVIDENCE).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    rewrite(submission, "evidence/8000/test.safetensors", bytes(content))
    assert verify(submission).verdict in ("verified", "rejected")


def test_hostile_tables_are_refused(submission: Path) -> None:
    genuine = (submission / RUN / EPISODES).read_bytes()
    table = pq.read_table(submission / RUN / EPISODES)
    other = pa.table({"a": [1]})
    place = SCHEMAS[EPISODES].get_field_index("return")
    holes = table.set_column(place, SCHEMAS[EPISODES].field(place), pa.nulls(len(table), pa.float64()))
    cases: list[tuple[bytes | pa.Table, str]] = [
        (b"PAR1", "cannot be read"),
        (genuine[: len(genuine) // 2], "cannot be read"),
        (other, "has other columns"),
        (holes, "empty cells"),
    ]
    for content, told in cases:
        if isinstance(content, pa.Table):
            sink = pa.BufferOutputStream()
            pq.write_table(content, sink)
            content = sink.getvalue().to_pybytes()
        rewrite(submission, EPISODES, content)
        assert told in refusal(submission)


def test_a_table_of_millions_of_rows_is_refused_before_it_is_read(
    submission: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("metarl_bench.submissions.run_checks.MOST_ROWS", 10)
    assert "that is too many" in refusal(submission)


def test_the_untouched_submission_verifies(submission: Path) -> None:
    assert verify(submission).verdict == "verified"
    assert read_manifest(submission / RUN).status == "complete"
