"""Where MuJoCo's warnings go: by default it writes MUJOCO_LOG.TXT into whatever folder the user stands in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import mujoco

NAME = "MUJOCO_LOG.TXT"
MAX_LINES = 1000  # an unstable world warns at every step


@contextmanager
def simulator_warnings(folder: Path | None) -> Iterator[None]:
    """Writes MuJoCo's warnings into a file of the folder, which exists only if there are any; None drops them."""
    lines = 0

    def write(text: str) -> None:
        nonlocal lines
        lines += 1
        if folder is not None and lines <= MAX_LINES:
            with (folder / NAME).open("a") as file:
                file.write(f"{text}\n")

    previous = mujoco.get_mju_user_warning()
    mujoco.set_mju_user_warning(write)
    try:
        yield
    finally:
        mujoco.set_mju_user_warning(previous)
