"""One run's folder while it is being written: the lock, the save points and the training log.

Nothing here knows about agents: it keeps what it is given, and gives back the newest that is sound.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, NonNegativeFloat, NonNegativeInt, ValidationError

from metarl_bench.errors import RecordError
from metarl_bench.records import EPISODES, MANIFEST, RETIRED
from metarl_bench.storage import check_seal, remove_leftovers, sealed_folder, storing, write_atomically

LOG = "training.jsonl"
WRITER = ".writer.json"
KEPT_SAVES = 2  # should the newest be damaged, training goes on from the one before


class SaveState(BaseModel):
    """Where training stood at a save point."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    boundary: NonNegativeInt
    steps: NonNegativeInt
    issued: NonNegativeInt
    train_seconds: NonNegativeFloat


@dataclass(frozen=True)
class SavePoint:
    """A save point on disk: ``weights`` and ``training`` are the agent's own folders."""

    folder: Path

    @property
    def weights(self) -> Path:
        """What ``MetaAgent.save`` wrote."""
        return self.folder / "weights"

    @property
    def training(self) -> Path:
        """What ``MetaAgent.save_training`` wrote."""
        return self.folder / "training"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Creates the folder if needed and holds its lock; a process that dies loses it, however it dies.

    Raises:
        RecordError: If the folder cannot be written or another process holds it.
    """
    with storing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / ".lock", timeout=0)
    with storing(folder):
        try:
            lock.acquire()
        except Timeout:
            raise RecordError(
                f"{folder} is being written by {_writer(folder)}; expected no other writer. "
                "Wait for it or stop it, or choose another output folder."
            ) from None
    try:
        write_atomically(folder / WRITER, json.dumps({"pid": os.getpid(), "host": socket.gethostname()}))
        yield
    finally:
        (folder / WRITER).unlink(missing_ok=True)
        lock.release()


def check_output_folder(out: Path) -> None:
    """Raises ``RecordError`` unless runs can be written below a folder, whose parent must exist."""
    if not out.absolute().parent.is_dir():
        raise RecordError(
            f"The output folder {out} has no parent folder; expected an existing one, so that a mistyped path does "
            f"not scatter results. Create it with: mkdir -p {out.parent}"
        )
    with storing(out):
        out.mkdir(exist_ok=True)


def retire(folder: Path) -> None:
    """Moves a run out of the way, as ``seed-<k>-retired-<n>``: kept, but no longer read by anything."""
    if not any((folder / name).exists() for name in (MANIFEST, EPISODES, "save")):
        return
    with locked(folder), storing(folder):
        (folder / WRITER).unlink()
        folder.rename(folder.with_name(f"{folder.name}{RETIRED}{count_runs(folder)}"))


def count_runs(folder: Path) -> int:
    """Returns 1 plus the number of runs of the cell that were retired."""
    return 1 + sum(1 for _ in folder.parent.glob(f"{folder.name}{RETIRED}*"))


class RunFolder:
    """The save points and the training log of a run; the caller holds the lock."""

    def __init__(self, path: Path, message: Callable[[str], None]) -> None:
        self.path = path
        self._message = message
        remove_leftovers(path)

    # -- save points -------------------------------------------------------------------------------------------------

    def save(self, state: SaveState, save: Callable[[Path], None], save_training: Callable[[Path], None]) -> None:
        """Stores a save point and drops all but the newest two.

        Args:
            state: Where training stands.
            save: Called with an existing empty folder for the weights.
            save_training: Called with an existing empty folder for the rest.
        """
        with sealed_folder(self._saves / str(state.boundary)) as folder:
            point = SavePoint(folder)
            point.weights.mkdir()
            save(point.weights)
            point.training.mkdir()
            save_training(point.training)
            (folder / "state.json").write_text(state.model_dump_json())
        with storing(self._saves):
            for boundary in self._save_boundaries()[KEPT_SAVES:]:
                shutil.rmtree(self._saves / str(boundary))

    def save_point(self, boundary: int) -> SavePoint:
        """Returns the save point of a boundary."""
        return SavePoint(self._saves / str(boundary))

    def newest_save(self, committed: int, steps: int) -> SaveState | None:
        """Returns where training stands at the newest save point that is sound, or None if nothing was saved.

        Args:
            committed: The newest boundary that the manifest has.
            steps: The steps that the manifest counts there.

        Raises:
            RecordError: If results are committed but no save point is sound.
        """
        for boundary in self._save_boundaries():
            folder = self._saves / str(boundary)
            try:
                state = _read_state(folder)
                if state.boundary != boundary or (boundary == committed and state.steps != steps):
                    raise RecordError(f"{folder} counts {state.steps} steps; expected the {steps} of {MANIFEST}.")
            except RecordError as error:
                self._message(f"{error} It is left out: training goes on from the save point before it, if any.")
                continue
            return state
        if committed:
            raise RecordError(
                f"{self._saves} has no sound save point, so the run cannot go on from step {committed}. "
                "Begin again beside it with --force-new-run."
            )
        return None

    def drop_saves(self) -> None:
        """Removes all save points."""
        if self._saves.exists():
            with storing(self._saves):
                shutil.rmtree(self._saves)

    @property
    def _saves(self) -> Path:
        return self.path / "save"

    def _save_boundaries(self) -> list[int]:
        """Returns the boundaries that have a save point, newest first."""
        if not self._saves.exists():
            return []
        return sorted((int(path.name) for path in self._saves.iterdir() if path.name.isdecimal()), reverse=True)

    # -- training log ------------------------------------------------------------------------------------------------

    def log(self, line: dict[str, Any]) -> None:
        """Appends a line to the training log."""
        with storing(self.path / LOG), (self.path / LOG).open("a") as file:
            file.write(json.dumps(line) + "\n")

    def trim_log(self, boundary: int) -> None:
        """Drops the lines of boundaries after the given one, and a last line that a crash tore."""
        path = self.path / LOG
        if not path.exists():
            return
        kept = []
        lines = path.read_text(errors="replace").splitlines()
        for number, text in enumerate(lines, start=1):
            try:
                line = json.loads(text)
                if line["boundary"] <= boundary:
                    kept.append(text)
            except (ValueError, TypeError, KeyError):
                self._message(f"{path}: line {number} is torn or damaged and was dropped.")
        write_atomically(path, "".join(f"{text}\n" for text in kept))


def _read_state(folder: Path) -> SaveState:
    check_seal(folder)
    try:
        return SaveState.model_validate_json((folder / "state.json").read_bytes())
    except (OSError, ValidationError) as error:
        raise RecordError(f"{folder / 'state.json'} cannot be read: {error}.") from error


def _writer(folder: Path) -> str:
    try:
        writer = json.loads((folder / WRITER).read_text())
        return f"process {writer['pid']} on {writer['host']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
