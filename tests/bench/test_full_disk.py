"""A disk that is full costs the work since the last save point: never what was stored, and no wrong byte."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from metarl_bench.records import load_results
from metarl_bench.runner import Outcome
from tests.bench import moments, support


class Disk(NamedTuple):
    """Where a run is to meet the end of the room, how that comes about, and what the system calls it."""

    out: Path
    deed: str
    error: str


@pytest.fixture(scope="module")
def nearly_done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output folder of a run that stopped one save point before its last checkpoint."""
    out = tmp_path_factory.mktemp("nearly-done") / "runs"
    support.go(out, until=7600)
    return out


@pytest.fixture
def disk(request: pytest.FixtureRequest, tmp_path: Path, nearly_done: Path) -> Iterator[Disk]:
    """A small disk, or a limit to the size of files where that is asked for or no disk can be mounted."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={moments.SMALL_DISK}", "tmpfs", str(tmp_path)]
    wanted = request.param == "small disk"
    if not wanted or subprocess.run(command, capture_output=True).returncode != 0:
        yield Disk(Path(shutil.copytree(nearly_done, tmp_path / "runs")), "limit", "File too large")
        return
    try:
        yield Disk(Path(shutil.copytree(nearly_done, tmp_path / "runs")), "fill", "No space left on device")
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


@pytest.mark.parametrize(
    ("disk", "moment", "named"),
    [
        ("small disk", "write-save", "save/8000"),
        ("small disk", "write-checkpoint", "checkpoints/8000"),
        ("small disk", "write-evidence", "evidence/8000/test.safetensors"),
        ("small disk", "write-tables", "episodes.parquet"),
        ("small disk", "write-manifest", "manifest.json"),
        ("small files", "write-evidence", "evidence/8000/test.safetensors"),
    ],
    indirect=["disk"],
)
def test_a_full_disk_is_named_with_its_path_and_costs_nothing_else(
    reference: Outcome, disk: Disk, moment: str, named: str
) -> None:
    folder = support.run_folder(disk.out)
    before = support.content(folder)
    results = load_results(disk.out)

    died = support.go_in_process(disk.out, fault=f"{moment}/{disk.deed}:1")

    assert died.returncode == 1
    path = re.escape(str(folder / named))
    assert re.search(rf"{path} cannot be written: (\[Errno \d+\] )?{disk.error}\b.* is intact", died.stderr)
    after = support.content(folder)
    # A save point is kept until there are two newer ones; the manifest and the log go on.
    moving = {name for name in before if name.startswith("save/7200/")} | {"manifest.json", "training.jsonl"}
    assert [name for name in before.keys() - moving if after.get(name) != before[name]] == []
    assert load_results(disk.out).equals(results)

    moments.ballast(folder).unlink(missing_ok=True)
    outcome = support.go(disk.out)
    assert outcome.resumed
    support.assert_same_end(reference, outcome)


@pytest.mark.parametrize("disk", ["small disk", "small files"], indirect=True)
def test_a_disk_that_is_full_from_the_start_is_refused_before_any_step(disk: Disk) -> None:
    folder = support.run_folder(disk.out)
    before = support.content(folder)

    died = support.go_in_process(disk.out, fault=f"write-writer/{disk.deed}:1")

    assert died.returncode == 1
    assert f"{folder / '.writer.json'} cannot be written: {disk.error}" in died.stderr
    after = support.content(folder)
    assert {name: after[name] for name in before} == before
