"""What may lie in a submission's folder: a card, and run folders of plain data; nothing else is opened."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from metarl_bench.records import MANIFEST
from metarl_bench.submissions.card import CARD
from metarl_bench.submissions.problems import Rejected

RUNS = "runs"
MOST_FILES = 5_000
DEEPEST = 12
_MIB = 2**20
_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,80}"
# Protocols of published numbers have an id in two parts; no other has.
_RUN = rf"{RUNS}/(paper/)?{_NAME}/{_NAME}/{_NAME}/{_NAME}/seed-\d{{1,3}}"
# Where each task has an agent of its own, each has a folder.
_LEARNER = r"(learner-\d{1,3}/)?"
# Patterns of the paths that may be there, and the largest size of such a file.
_ALLOWED = [
    (re.compile(re.escape(CARD)), 4 * _MIB),
    (re.compile(rf"{_RUN}/{re.escape(MANIFEST)}"), 4 * _MIB),
    (re.compile(rf"{_RUN}/(episodes|within_trial)\.parquet"), 64 * _MIB),
    (re.compile(rf"{_RUN}/training\.jsonl"), 16 * _MIB),
    (re.compile(rf"{_RUN}/evidence/\d{{1,12}}/(train|validation|test|test_ood)\.safetensors"), 512 * _MIB),
    (re.compile(rf"{_RUN}/checkpoints/\d{{1,12}}/(agent|checksums)\.json"), 4 * _MIB),
    (
        re.compile(rf"{_RUN}/checkpoints/\d{{1,12}}/weights/{_LEARNER}{_NAME}\.(safetensors|json)"),
        256 * _MIB,
    ),
]
_CODE = (".pkl", ".pickle", ".pt", ".pth", ".ckpt", ".npy", ".npz", ".joblib", ".py", ".so")
_ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar", ".zst")


def check_files(folder: Path) -> None:
    """Looks at the names, kinds and sizes of all files, and opens none.

    Raises:
        Rejected: If something is there that a submission does not hold.
    """
    seen: dict[str, str] = {}
    for count, (name, status) in enumerate(_walk(folder, ""), start=1):
        if count > MOST_FILES:
            raise Rejected(f"The folder holds more than {MOST_FILES} files.")
        if not stat.S_ISREG(status.st_mode):
            raise Rejected(f"{name!a} is no plain file (a link or a device); expected plain files only.")
        if status.st_nlink > 1:
            raise Rejected(f"{name!a} is a hard link; expected a file of its own.")
        largest = next((size for pattern, size in _ALLOWED if pattern.fullmatch(name)), None)
        if largest is None:
            raise Rejected(f"{name!a} does not belong into a submission. {_hint(name)}")
        if status.st_size > largest:
            raise Rejected(f"{name!a} has {status.st_size} bytes; expected at most {largest}.")
        twin = seen.setdefault(name.casefold(), name)
        if twin != name:
            raise Rejected(f"{name!a} and {twin!a} are one file where case does not count; expected different names.")
    if CARD not in seen.values():
        raise Rejected(f"There is no {CARD}; expected a folder that `metarl-bench pack` wrote.")


def run_folders(folder: Path) -> list[Path]:
    """Returns the run folders of a submission whose files were checked."""
    return sorted(path.parent for path in (folder / RUNS).rglob(MANIFEST))


def _walk(folder: Path, prefix: str) -> Iterator[tuple[str, os.stat_result]]:
    """Yields the path and the status of all that is no folder, without following links."""
    if prefix.count("/") > DEEPEST:
        raise Rejected(f"{prefix!a} is nested too deeply; expected at most {DEEPEST} folders.")
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise Rejected(f"{prefix or str(folder)!a} cannot be read: {error.strerror}.") from None
    for entry in entries:
        name = f"{prefix}{entry.name}"
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path), f"{name}/")
        else:
            yield name, entry.stat(follow_symlinks=False)


def _hint(name: str) -> str:
    lower = name.lower()
    if lower.endswith(_ARCHIVES):
        return "Archives are not accepted: submit the folder itself."
    if lower.endswith(_CODE):
        return "Code and pickles are never accepted: export weights to safetensors, and name the code's address."
    return "`metarl-bench pack` writes a folder that fits."
