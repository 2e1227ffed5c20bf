"""What makes a meta-test checkable: executed actions, rewards, and snapshots from which any part can be replayed."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from metarl_bench.errors import RecordError
from metarl_bench.storage import storing, write_atomically
from metarl_bench.worlds import Bools, Worlds

SEGMENT = 50  # environment steps between two snapshots
SCHEMA = "1"
EVIDENCE = "evidence"
SNAPSHOT = "snapshot."
# Far above what a meta-test of ours writes, far below what fills a memory.
_LARGEST_FILE = 512 * 2**20
_LARGEST_HEADER = 2**16
_KINDS = ("F64", "F32", "I64", "I32", "U64", "U32", "U8", "BOOL")


@dataclass(frozen=True)
class Evidence:
    """One meta-test, step by step; its episodes stand in the order of ``episodes.schedule``.

    Attributes:
        steps: Environment steps of each episode of the batch, int64 [episodes].
        actions: Executed actions, float32 or float64 [sum of steps, worlds, action].
        rewards: float64 [sum of steps, worlds].
        active: Whether the step counted, bool [sum of steps, worlds].
        snapshots: ``Worlds.snapshot`` at the beginning of each segment, by name [segments, worlds, ...]. An episode
            is cut into segments of ``SEGMENT`` steps, the last of which may be shorter.
    """

    steps: NDArray[np.int64]
    actions: NDArray[np.floating[Any]]
    rewards: NDArray[np.float64]
    active: Bools
    snapshots: dict[str, NDArray[Any]]


class Recorder:
    """Takes down a meta-test while it is played."""

    def __init__(self) -> None:
        self._steps: list[int] = []
        self._actions: list[NDArray[np.float64]] = []
        self._rewards: list[NDArray[np.float64]] = []
        self._active: list[Bools] = []
        self._snapshots: list[dict[str, NDArray[Any]]] = []

    def begin(self) -> None:
        """Begins an episode."""
        self._steps.append(0)

    def before_step(self, worlds: Worlds) -> None:
        """Keeps the state at the beginning of a segment."""
        if self._steps[-1] % SEGMENT == 0:
            self._snapshots.append(worlds.snapshot())

    def after_step(self, actions: NDArray[np.float64], rewards: NDArray[np.float64], active: Bools) -> None:
        """Keeps what was executed, what it paid and where it counted; the arrays are copied."""
        self._steps[-1] += 1
        self._actions.append(actions.copy())
        self._rewards.append(rewards.copy())
        self._active.append(active.copy())

    def evidence(self, num_worlds: int, action_shape: tuple[int, ...]) -> Evidence:
        """Returns what was taken down."""
        names = self._snapshots[0] if self._snapshots else {}
        actions = np.array(self._actions).reshape(-1, num_worlds, *action_shape)
        small = actions.astype(np.float32)
        return Evidence(
            steps=np.array(self._steps, np.int64),
            # Most policies compute in single precision: then half the size is enough to say the same.
            actions=small if np.array_equal(small, actions) else actions,
            rewards=np.array(self._rewards).reshape(-1, num_worlds),
            active=np.array(self._active, np.bool_).reshape(-1, num_worlds),
            snapshots={name: np.stack([snapshot[name] for snapshot in self._snapshots]) for name in names},
        )


def evidence_path(checkpoint: int, split: str) -> str:
    """Returns where a run folder keeps the evidence of a meta-test."""
    return f"{EVIDENCE}/{checkpoint}/{split}.safetensors"


def encode(evidence: Evidence) -> bytes:
    """Returns evidence as a safetensors file; equal evidence gives equal bytes."""
    tensors: dict[str, NDArray[Any]] = {SNAPSHOT + name: array for name, array in evidence.snapshots.items()}
    tensors |= {name: getattr(evidence, name) for name in ("steps", "actions", "rewards", "active")}
    return save({name: np.ascontiguousarray(array) for name, array in tensors.items()}, {"schema": SCHEMA})


def write_evidence(path: Path, evidence: Evidence) -> str:
    """Writes evidence; returns the file's SHA-256."""
    content = encode(evidence)
    with storing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, content)
    return hashlib.sha256(content).hexdigest()


def read_evidence(path: Path) -> Evidence:
    """Returns evidence from a file that anybody may have written.

    Raises:
        RecordError: If it is missing, too large, damaged, or not evidence.
    """
    content = _bounded(path)
    kinds = _header(path, content)
    try:
        tensors = load(content)
    except (SafetensorError, ValueError, TypeError, KeyError) as error:
        raise RecordError(f"{path} is damaged: {error}; expected a safetensors file.") from None
    wanted = {"steps": "I64", "actions": None, "rewards": "F64", "active": "BOOL"}
    for name, kind in wanted.items():
        if name not in tensors or (kind and kinds[name] != kind) or (name == "actions" and kinds[name][0] != "F"):
            raise RecordError(f"{path} holds {name} as {kinds.get(name, 'nothing')}; expected {kind or 'F32 or F64'}.")
    strangers = [name for name in tensors if name not in wanted and not name.startswith(SNAPSHOT)]
    if strangers:
        raise RecordError(f"{path} holds {strangers[0]!r}; expected {', '.join(wanted)} and {SNAPSHOT}* only.")
    snapshots = {name.removeprefix(SNAPSHOT): array for name, array in tensors.items() if name.startswith(SNAPSHOT)}
    return Evidence(**{name: tensors[name] for name in wanted}, snapshots=snapshots)


def _bounded(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_FILE + 1)
    except OSError as error:
        raise RecordError(f"{path} cannot be read: {error.strerror}; expected the evidence of a meta-test.") from None
    if len(content) > _LARGEST_FILE:
        raise RecordError(f"{path} is larger than {_LARGEST_FILE} bytes; expected less.")
    return content


def _header(path: Path, content: bytes) -> dict[str, str]:
    """Returns the tensors' types after a look at the header alone, before anything is built from a hostile file."""
    size = int.from_bytes(content[:8], "little")
    if len(content) < 8 or size > min(_LARGEST_HEADER, len(content) - 8):
        raise RecordError(f"{path} is damaged: its header has {size} bytes; expected at most {_LARGEST_HEADER}.")
    try:
        header = json.loads(content[8 : 8 + size])
        kinds = {name: str(entry["dtype"]) for name, entry in header.items() if name != "__metadata__"}
        schema = header.get("__metadata__", {}).get("schema")
    except (ValueError, RecursionError, TypeError, KeyError, AttributeError):
        raise RecordError(f"{path} is damaged: its header cannot be read; expected a safetensors file.") from None
    if schema != SCHEMA:
        raise RecordError(f"{path} has evidence of schema {schema!r}; expected {SCHEMA!r}. Use a newer metarl-bench.")
    unknown = sorted(set(kinds.values()) - set(_KINDS))
    if unknown:
        raise RecordError(f"{path} holds numbers of type {unknown[0]}; expected one of {', '.join(_KINDS)}.")
    return kinds
