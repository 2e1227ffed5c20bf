"""What can happen to a process while it writes: it is killed, or there is no more room.

Files are written through Python's own functions, which announce each opening, renaming and removal to audit hooks.
Such a hook strikes at the n-th of those below a part of the run folder.
"""

from __future__ import annotations

import contextlib
import os
import re
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

SMALL_DISK = 2**20  # bytes
PLACES = {
    "write-save": r"save/",
    "write-checkpoint": r"checkpoints/",
    "write-evidence": r"evidence/",
    "write-writer": r"(\.tmp-)?\.writer\.json",
    "write-manifest": r"(\.tmp-)?manifest\.json",
    "write-tables": r"(\.tmp-)?(episodes|within_trial)\.parquet",
    "write-results": r"evidence/|(\.tmp-)?((episodes|within_trial)\.parquet|manifest\.json)",
}


def watch(folder: Path, place: str, what: str, number: int) -> None:
    """Does something to this process at its n-th change below a place of a run folder; cannot be undone.

    Args:
        folder: The run folder.
        place: One of ``PLACES``.
        what: ``kill``; ``tear`` leaves half of a file that is to be renamed, as if killed earlier; ``fill`` leaves no
            room on the disk, which must be small; ``limit`` allows no files of more than a few bytes from now on.
        number: Counted from 1.
    """
    inside = re.compile(re.escape(f"{folder}{os.sep}") + f"({PLACES[place]})")
    deeds: dict[str, Callable[[str], None]] = {
        "kill": lambda path: os.kill(os.getpid(), signal.SIGKILL),
        "tear": _tear,
        "fill": lambda path: _fill(folder),
        "limit": lambda path: resource.setrlimit(resource.RLIMIT_FSIZE, (16, resource.RLIM_INFINITY)),
    }
    changes = 0

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal changes
        path = _changed(event, arguments)
        if path is not None and inside.match(path):
            changes += 1
            if changes == number:
                deeds[what](path)

    sys.addaudithook(hook)


def _changed(event: str, arguments: tuple[Any, ...]) -> str | None:
    """Returns the path that is going to change."""
    writing = event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR) and not isinstance(arguments[0], int)
    if writing or event in ("os.rename", "os.mkdir", "os.remove", "shutil.rmtree"):
        return os.fsdecode(arguments[0])
    return None


def _tear(path: str) -> None:
    with contextlib.suppress(OSError):  # no such file yet, or a folder
        os.truncate(path, Path(path).stat().st_size // 2)
    os.kill(os.getpid(), signal.SIGKILL)


def _fill(folder: Path) -> None:
    disk = os.statvfs(folder)
    if disk.f_blocks * disk.f_frsize > SMALL_DISK:
        raise ValueError(f"{folder} lies on a disk of {disk.f_blocks * disk.f_frsize} bytes; too large to be filled.")
    with contextlib.suppress(OSError), ballast(folder).open("wb", buffering=0) as file:
        while True:
            file.write(bytes(disk.f_frsize))


def ballast(folder: Path) -> Path:
    """Returns the file that fills the disk of a run folder."""
    return folder / "ballast"
