"""Files that survive a crash: atomic writes, and folders that carry the checksums of what they hold.

A reader sees the old file or the new one, never half of one, whatever kills the writer.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from metarl_bench.errors import RecordError

TEMPORARY = ".tmp-"
SEAL = "checksums.json"


@contextmanager
def storing(path: Path) -> Iterator[None]:
    """Turns a failed write (disk full, no permission) into a ``RecordError`` that names the path."""
    try:
        yield
    except OSError as error:
        raise RecordError(
            f"{path} cannot be written: {_reason(error)}. What was there before is intact; make room or allow writing "
            "there, and run the same command again."
        ) from error


def write_atomically(path: Path, content: bytes | str) -> None:
    """Replaces a file at once: readers find the old content or the new, also after a power cut."""
    temporary = path.with_name(f"{TEMPORARY}{path.name}")
    with storing(path):
        with temporary.open("wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        _sync(path.parent)


def prepare_folder(path: Path) -> None:
    """Makes a folder for what a command will write; to be called before its work, so that none is done in vain.

    Raises:
        RecordError: If it cannot be made.
    """
    if path.exists() and not path.is_dir():
        raise RecordError(f"{path} is a file; expected a folder to write into. Choose another name.")
    with storing(path):
        path.mkdir(parents=True, exist_ok=True)


def prepare_file(path: Path) -> None:
    """Makes the folder of a file that a command will write; to be called before its work.

    Raises:
        RecordError: If the name is that of a folder, or its folder cannot be made.
    """
    if path.is_dir():
        raise RecordError(f"{path} is a folder; expected the name of a file to write.")
    prepare_folder(path.parent)


@contextmanager
def sealed_folder(path: Path) -> Iterator[Path]:
    """Gives an empty folder to fill, which then appears under its name at once, with checksums of its files."""
    temporary = path.with_name(f"{TEMPORARY}{path.name}")
    with storing(path):
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        yield temporary
        seal = json.dumps(_checksums(temporary), indent=2, sort_keys=True)
        (temporary / SEAL).write_text(seal)
        for file in temporary.rglob("*"):
            _sync(file)
        if path.exists():
            shutil.rmtree(path)
        temporary.replace(path)
        _sync(path.parent)


def check_seal(path: Path) -> None:
    """Raises ``RecordError`` unless a sealed folder holds exactly what was written into it."""
    try:
        expected = json.loads((path / SEAL).read_text())
        actual = _checksums(path)
    except (OSError, ValueError) as error:
        raise RecordError(f"{path} has no readable {SEAL}: {error}.") from error
    if expected != actual:
        names = {*expected, *actual} if isinstance(expected, dict) else {SEAL}
        changed = sorted(name for name in names if name == SEAL or expected.get(name) != actual.get(name))
        raise RecordError(f"{path} is corrupt: {', '.join(changed)} differs from its checksum.")


def digest(path: Path) -> str:
    """Returns the SHA-256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def remove_leftovers(folder: Path) -> None:
    """Removes what a killed writer left half done."""
    with storing(folder):
        for path in sorted(folder.rglob(f"{TEMPORARY}*"), reverse=True):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


def _reason(error: OSError) -> str:
    if isinstance(error, shutil.Error) and isinstance(error.args[0], list):
        # Of copying a folder: every file that could not be copied, with both paths and the reason.
        return str(error.args[0][0][2])
    return error.strerror or str(error)


def _checksums(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): digest(path) for path in files if path != folder / SEAL}


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
