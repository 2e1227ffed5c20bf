"""What a run leaves behind: the manifest, the episodes, and reading them back as tidy frames.

The manifest is written last and says what is committed: rows beyond it are ignored, and rows that do not match its
checksums are refused.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, NonNegativeFloat, NonNegativeInt, PositiveInt, ValidationError

from metarl_bench.agents import Division
from metarl_bench.errors import RecordError
from metarl_bench.evidence import evidence_path
from metarl_bench.storage import write_atomically
from metarl_bench.tasks import Split
from metarl_bench.verification import read_verification

if TYPE_CHECKING:
    import pandas as pd

MANIFEST = "manifest.json"
EPISODES = "episodes.parquet"
WITHIN_TRIAL = "within_trial.parquet"
RETIRED = "-retired-"
SCHEMA_VERSION: Literal[1] = 1

Status = Literal["complete", "partial", "failed"]
Rows = list[dict[str, Any]]
Damaged = dict[Path, str]  # what is wrong with run folders that cannot be read

# The columns that name the run in every frame.
_IDENTITY = ("protocol", "digest", "suite", "agent", "division", "config_digest", "seed", "status", "primary_split")
_MEND = "Restore it from a copy, or begin again beside it with --force-new-run."
_CHECKPOINT = [("checkpoint_steps", pa.int64()), ("split", pa.string())]
_PLACE = [("task", pa.int64()), ("trial", pa.int64()), ("shot", pa.int64()), ("episode", pa.int64())]
_RESULT = [
    ("phase", pa.string()),
    ("return", pa.float64()),
    ("success", pa.bool_()),
    ("length", pa.int64()),
    ("failed", pa.bool_()),
    ("clipped", pa.int64()),
    ("success_at_end", pa.bool_()),
]
SCHEMAS: dict[str, pa.Schema] = {
    EPISODES: pa.schema([*_CHECKPOINT, *_PLACE, *_RESULT]),
    WITHIN_TRIAL: pa.schema([*_CHECKPOINT, ("time", pa.int64()), ("reward", pa.float64())]),
}


# Younger than the first results: a table has it in all rows or, if any of them is older, in none.
_YOUNGER = "success_at_end"


def schema_of(name: str, columns: Iterable[str]) -> pa.Schema:
    """Returns the schema of a table that has these columns, of this version or of those before it."""
    schema = SCHEMAS[name]
    older = _YOUNGER in schema.names and _YOUNGER not in columns
    return schema.remove(schema.get_field_index(_YOUNGER)) if older else schema


class Manifest(BaseModel):
    """What a run folder declares about itself; see the fields' descriptions in ``results/README.md``.

    Attributes:
        run: 1 for the cell's first run, one more for each that was retired before it.
        covers: What the digest covers.
        budget: Environment steps of the whole meta-training; of each learner, where each task has one.
        steps: Environment steps taken up to ``committed``, by all learners.
        issued: Training tasks drawn up to ``committed``.
        committed: The newest boundary whose results are stored.
        checkpoints: The checkpoints whose rows are stored.
        train_seconds: Spent in the agent's meta-training, over all sessions, lost work left out.
        errors: What the agent did wrong in meta-tests, each once; see ``MetaTest``.
        failure: Traceback of what ended the training, for failed runs.
        checksums: SHA-256 of the tables and of the checkpoints' own checksum files.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    schema_version: Literal[1]
    status: Status
    protocol: str
    suite: str
    agent: str
    division: Division
    seed: NonNegativeInt
    primary_split: Split
    run: PositiveInt
    digest: str
    covers: dict[str, Any]
    config: dict[str, Any]
    config_digest: str
    packages: dict[str, str]
    fingerprint: dict[str, str | int]
    source: dict[str, str | bool] | None
    budget: PositiveInt
    steps: NonNegativeInt = 0
    issued: NonNegativeInt = 0
    committed: NonNegativeInt = 0
    checkpoints: list[int] = []
    train_seconds: NonNegativeFloat = 0.0
    meta_test_seconds: NonNegativeFloat = 0.0
    steps_per_second: NonNegativeFloat = 0.0
    peak_memory_mib: NonNegativeFloat = 0.0
    failed_episodes: NonNegativeInt = 0
    errors: list[str] = []
    failure: str = ""
    checksums: dict[str, str] = {}


def read_manifest(folder: Path) -> Manifest:
    """Returns a run folder's manifest.

    Raises:
        RecordError: If it is missing, corrupt or of another schema.
    """
    path = folder / MANIFEST
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except OSError as error:
        raise RecordError(f"{path} cannot be read: {error.strerror}; expected the manifest of a run.") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise RecordError(
            f"{path} is not a manifest that this version reads: {where}: {first['msg']}. {_MEND}"
        ) from None


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Commits a run's state."""
    write_atomically(folder / MANIFEST, manifest.model_dump_json(indent=2) + "\n")


def read_rows(folder: Path, name: str, manifest: Manifest) -> Rows:
    """Returns the committed rows of a table.

    Raises:
        RecordError: If they are not what the manifest's checksum says.
    """
    rows: Rows = _read_table(folder, name, manifest).to_pylist()
    return rows


def _read_table(folder: Path, name: str, manifest: Manifest) -> pa.Table:
    """Returns the committed rows of a table as Arrow has them; see ``read_rows``."""
    expected = manifest.checksums.get(name)
    if expected is None:
        return SCHEMAS[name].empty_table()
    path = folder / name
    try:
        content = path.read_bytes()
        table = pq.read_table(io.BytesIO(content))
        table = table.cast(schema_of(name, table.column_names))
    except (OSError, ValueError, pa.ArrowException) as error:
        raise RecordError(f"{path} cannot be read: {error}. {_MEND}") from error
    if _sha256(content) == expected:
        return table
    # A crash between the table and the manifest leaves rows of a checkpoint that was never committed.
    committed = [row for row in table.to_pylist() if row["checkpoint_steps"] in manifest.checkpoints]
    if checksum(name, committed) != expected:
        raise RecordError(f"{path} does not match its checksum in {MANIFEST}: it was changed or damaged. {_MEND}")
    return pa.Table.from_pylist(committed, schema=table.schema)


def checksum(name: str, rows: Rows) -> str:
    """Returns the checksum of a table that holds these rows."""
    return _sha256(encode(name, rows))


def write_rows(folder: Path, name: str, rows: Rows) -> None:
    """Replaces a table."""
    write_atomically(folder / name, encode(name, rows))


def encode(name: str, rows: Rows) -> bytes:
    """Returns a table as Parquet; equal rows give equal bytes."""
    buffer = io.BytesIO()
    schema = schema_of(name, set.intersection(*map(set, rows)) if rows else SCHEMAS[name].names)
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), buffer, compression="zstd")
    return buffer.getvalue()


def load_results(*roots: Path | str, damaged: Damaged | None = None) -> pd.DataFrame:
    """Returns one row an episode of every run below some folders, with the columns that name its run.

    Args:
        roots: The folders; a run that lies in several of them is taken once, from the first one.
        damaged: Gets the run folders that cannot be read, which are left out then; None raises at the first one.

    Raises:
        RecordError: If a run is damaged, and nobody asked which are.
    """
    return _load_table(EPISODES, roots, damaged)


def load_within_trial(*roots: Path | str, damaged: Damaged | None = None) -> pd.DataFrame:
    """Returns the mean reward by environment step since the trial began, of every run; see ``load_results``."""
    return _load_table(WITHIN_TRIAL, roots, damaged)


def load_cells(*roots: Path | str, damaged: Damaged | None = None) -> pd.DataFrame:
    """Returns one row a run folder; ``seconds`` is the time of training; see ``load_results``."""
    import pandas as pd

    names = ("run", "steps", "budget", "meta_test_seconds", "steps_per_second", "peak_memory_mib")
    rows = [
        {
            "root": root,
            **{name: getattr(manifest, name) for name in (*_IDENTITY, *names)},
            "seconds": manifest.train_seconds,
            "failed_episodes": manifest.failed_episodes,
            "covers": manifest.covers,
            "fingerprint": manifest.fingerprint,
            "folder": str(folder),
            "verified": (note := read_verification(folder)) is not None,
            "extra_data": note is not None and note.division == "extra-data",
            "evidence": manifest.checksums.get(evidence_path(manifest.budget, manifest.primary_split), ""),
        }
        for root, folder, manifest in iter_runs(roots, damaged)
    ]
    columns = ["root", *_IDENTITY, *names, "seconds", "failed_episodes", "covers", "fingerprint", "folder"]
    columns += ["verified", "extra_data", "evidence"]
    return pd.DataFrame(rows, columns=columns)


def _load_table(name: str, roots: Sequence[Path | str], damaged: Damaged | None) -> pd.DataFrame:
    import pandas as pd

    runs, tables = [], [SCHEMAS[name].empty_table()]  # gives its columns to older tables
    for root, folder, manifest in iter_runs(roots, damaged):
        with _noting(folder, damaged):
            tables.append(_read_table(folder, name, manifest))
            runs.append((root, *(getattr(manifest, column) for column in _IDENTITY)))
    rows: pd.DataFrame = pa.concat_tables(tables, promote_options="default").to_pandas()
    lengths = np.array([len(table) for table in tables[1:]], np.int64)
    identity = pd.DataFrame(runs, columns=["root", *_IDENTITY]).iloc[np.repeat(np.arange(len(runs)), lengths)]
    return pd.concat([identity.reset_index(drop=True), rows], axis=1)


def iter_runs(roots: Sequence[Path | str], damaged: Damaged | None = None) -> Iterator[tuple[str, Path, Manifest]]:
    """Yields every run that was not retired, with the root that it lies in, in the order of its path."""
    for root, folder in _runs(roots):
        if damaged is None or folder not in damaged:
            manifest = None
            with _noting(folder, damaged):
                manifest = read_manifest(folder)
            if manifest is not None:
                yield str(root), folder, manifest


def find_runs(roots: Sequence[Path]) -> list[Path]:
    """Returns the folders of all runs that were not retired, in the order of their paths; reads no manifest.

    Raises:
        RecordError: If there is none below one of the roots.
    """
    for root in roots:
        if not _run_folders(root):
            raise RecordError(
                f"{root} holds no run: it holds no {MANIFEST}; expected run folders in it, or a run folder."
            )
    return [folder for _, folder in _runs(roots)]


@contextmanager
def _noting(folder: Path, damaged: Damaged | None) -> Iterator[None]:
    """Notes that a run folder cannot be read, where somebody wants to know."""
    try:
        yield
    except RecordError as error:
        if damaged is None:
            raise
        damaged[folder] = str(error)


def _runs(roots: Sequence[Path | str]) -> Iterator[tuple[Path | str, Path]]:
    """Yields each run folder once, with the first root that it lies in: counted twice, a run would spoil its row."""
    seen: set[Path] = set()
    for root in roots:
        for folder in _run_folders(Path(root)):
            if (place := folder.resolve()) not in seen:
                seen.add(place)
                yield root, folder


def _run_folders(root: Path) -> list[Path]:
    if not root.is_dir():
        raise RecordError(f"{root} is not a folder; expected one that holds runs.")
    try:
        paths = sorted(root.rglob(MANIFEST))
    except OSError as error:
        raise RecordError(f"{root} cannot be read: {error.strerror}; expected a folder that holds runs.") from error
    return [path.parent for path in paths if RETIRED not in path.parent.name]


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
