"""The checks of one run folder: rules, records, evidence. Nothing in it is imported or executed."""

from __future__ import annotations

import hashlib
import io
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from metarl_bench import fingerprint
from metarl_bench.configs import values_digest
from metarl_bench.episodes import schedule, trial_places
from metarl_bench.errors import BenchError, ConfigError, RecordError, UnknownIdError
from metarl_bench.evidence import Evidence, evidence_path, read_evidence
from metarl_bench.protocols import ResolvedProtocol, get_protocol
from metarl_bench.records import EPISODES, MANIFEST, SCHEMAS, WITHIN_TRIAL, Manifest, Rows, load_results, schema_of
from metarl_bench.registry import make_suite
from metarl_bench.replay import replay
from metarl_bench.scores import score_run
from metarl_bench.storage import SEAL, check_seal, digest
from metarl_bench.submissions.problems import NoResult, Rejected, Unchecked
from metarl_bench.submissions.strict_json import read_model
from metarl_bench.tasks import Suite

MOST_ROWS = 2_000_000
MOST_BYTES = 512 * 2**20  # of a table in memory, as its own header states it


@dataclass(frozen=True, kw_only=True)
class RunVerdict:
    """What was found out about one run.

    Attributes:
        manifest: As it was read.
        score: Of the final checkpoint, from the records that the replay confirmed.
        exact: Whether the replay was bit for bit (equal processor, MuJoCo and NumPy), or within the tolerance.
        drift: Largest relative difference that the replay met.
        steps: Environment steps that were replayed.
        seconds: That the replay took.
        evidence: SHA-256 of the evidence files, by path.
        key: A hash of all returns of the final meta-test: equal for copies.
    """

    manifest: Manifest
    score: float
    exact: bool
    drift: float
    steps: int
    seconds: float
    evidence: dict[str, str]
    key: str


def check_run(folder: Path, *, num_threads: int = 0) -> RunVerdict:
    """Checks a run folder from its rules to its evidence.

    Raises:
        Rejected: If something is not what it says; ``NoResult`` if it does not say that it is a result.
        Unchecked: If something cannot be checked here.
    """
    manifest = read_model(folder / MANIFEST, Manifest)
    _check_place(folder, manifest)
    suite, resolved = _rules(manifest)
    rows = _rows(folder, EPISODES, manifest)
    _rows(folder, WITHIN_TRIAL, manifest)
    _check_complete(rows, resolved)
    _check_bounds(rows, suite)
    _check_weights(folder, manifest)
    exact = _same_machine(manifest)
    begun = time.perf_counter()
    evidence, steps, drift = {}, 0, 0.0
    for split in resolved.splits:
        name = evidence_path(resolved.budget, split)
        evidence[name] = _checked(folder, name, manifest)
        stored = _reading(folder / name)
        tested = [row for row in rows if row["checkpoint_steps"] == resolved.budget and row["split"] == split]
        found = replay(stored, tested, suite, resolved, split, exact=exact, num_threads=num_threads)
        steps, drift = steps + found.steps, max(drift, found.drift)
        if found.problems:
            what = "the replay differs" if exact else "the replay (on another machine) differs by more than tolerated"
            raise Rejected(f"{what}: " + " ".join(found.problems[:5]))
    return RunVerdict(
        manifest=manifest,
        score=_score(folder, manifest),
        exact=exact,
        drift=drift,
        steps=steps,
        seconds=time.perf_counter() - begun,
        evidence=evidence,
        key=returns_key(rows, resolved.budget),
    )


def returns_key(rows: Rows, checkpoint: int) -> str:
    """Returns a hash of all returns of a meta-test, which only a copy repeats."""
    final = [row for row in rows if row["checkpoint_steps"] == checkpoint and row["split"] == "test"]
    final.sort(key=lambda row: (row["phase"], row["shot"], row["episode"], row["task"], row["trial"]))
    return hashlib.sha256(np.array([row["return"] for row in final]).tobytes()).hexdigest()


# -- the manifest ------------------------------------------------------------------------------------------------------


def _check_place(folder: Path, manifest: Manifest) -> None:
    expected = (*f"{manifest.protocol}/{manifest.suite}/{manifest.agent}".split("/"), f"seed-{manifest.seed}")
    found = folder.parts[-len(expected) :]
    if found != expected:
        raise NoResult(f"it lies in {'/'.join(found)}; by its manifest it is {'/'.join(expected)}.")
    if manifest.status != "complete" or manifest.primary_split != "test":
        raise NoResult(f"it is {manifest.status}, on {manifest.primary_split} tasks; expected complete, on test tasks.")
    if manifest.config_digest != values_digest(manifest.config):
        raise Rejected(f"the configuration does not have the digest {manifest.config_digest}.")


def _rules(manifest: Manifest) -> tuple[Suite, ResolvedProtocol]:
    """Returns the suite and the rules as this version knows them, which must be the manifest's."""
    try:
        protocol, suite = get_protocol(manifest.protocol), make_suite(manifest.suite)
    except UnknownIdError as error:
        raise Unchecked(f"{error} Install what brings it, or a newer metarl-bench.") from None
    try:
        resolved = protocol.resolve(suite)
    except ConfigError as error:
        raise Rejected(str(error)) from None
    known, stated = resolved.covers(), manifest.covers
    different = sorted(name for name in {*known, *stated} if known.get(name) != stated.get(name))
    if different or manifest.digest != resolved.digest():
        names = ", ".join(different) or "digest"
        raise Rejected(f"its rules are not those of {manifest.protocol} for {manifest.suite}: {names} differ.")
    if manifest.seed not in resolved.seeds:
        raise Rejected(f"the seed {manifest.seed} is none of the protocol's: {list(resolved.seeds)}.")
    if manifest.steps > resolved.budget * resolved.learners or tuple(manifest.checkpoints) != resolved.checkpoints:
        raise Rejected(f"it states {manifest.steps} steps and checkpoints {manifest.checkpoints}; the rules differ.")
    return suite, resolved


def _same_machine(manifest: Manifest) -> bool:
    here, packages = fingerprint.machine(), fingerprint.packages()
    same_cpu = all(manifest.fingerprint.get(name) == here[name] for name in ("cpu", "cpu_flags"))
    return same_cpu and all(manifest.packages.get(name) == packages[name] for name in ("mujoco", "numpy"))


# -- the tables --------------------------------------------------------------------------------------------------------


def _rows(folder: Path, name: str, manifest: Manifest) -> Rows:
    """Returns a table after a look at its header, so that a hostile one fills no memory."""
    _checked(folder, name, manifest)
    content = (folder / name).read_bytes()
    try:
        file = pq.ParquetFile(io.BytesIO(content))
        size = sum(file.metadata.row_group(i).total_byte_size for i in range(file.metadata.num_row_groups))
        if file.metadata.num_rows > MOST_ROWS or size > MOST_BYTES:
            raise Rejected(f"{name} holds {file.metadata.num_rows} rows in {size} bytes; that is too many.")
        if not file.schema_arrow.equals(schema_of(name, file.schema_arrow.names)):
            raise Rejected(f"{name} has other columns than {', '.join(SCHEMAS[name].names)}.")
        table = file.read()
    except (OSError, ValueError, MemoryError, pa.ArrowException) as error:
        raise Rejected(f"{name} cannot be read: {str(error)[:200]}.") from None
    for column, values in zip(table.column_names, table.columns, strict=True):
        if values.null_count:
            raise Rejected(f"{name}: {column} has empty cells.")
        if pa.types.is_floating(values.type) and not np.isfinite(values.to_numpy()).all():
            raise Rejected(f"{name}: {column} has values that are NaN or infinite.")
    rows: Rows = table.to_pylist()
    return rows


def _check_complete(rows: Rows, resolved: ResolvedProtocol) -> None:
    """Checks that there is exactly one record for each episode of the rules."""
    expected = set(_expected(resolved))
    counts = Counter(
        tuple(row[name] for name in ("checkpoint_steps", "split", "phase", "shot", "episode", "task", "trial"))
        for row in rows
    )
    double = [place for place, count in counts.items() if count > 1]
    for places, what in (
        (double, "stands more than once"),
        (sorted(counts.keys() - expected), "is not in the rules"),
        (sorted(expected - counts.keys()), "is missing"),
    ):
        if places:
            steps, split, phase, shot, episode, task, trial = places[0]
            raise Rejected(
                f"{len(places)} records are wrong; the first one {what}: checkpoint {steps}, {split} task {task}, "
                f"trial {trial}, {phase} episode {episode}, shot {shot}."
            )


def _expected(resolved: ResolvedProtocol) -> Iterator[tuple[Any, ...]]:
    for steps in resolved.checkpoints:
        for split in resolved.splits if steps == resolved.budget else resolved.splits[:1]:
            for play in schedule(resolved):
                for task, trial in trial_places(resolved, split):
                    yield (steps, split, *play, task.index, trial)


def _check_bounds(rows: Rows, suite: Suite) -> None:
    lowest, highest = suite.spec.failure_return, suite.spec.best_return
    for row in rows:
        if row["return"] < lowest or (highest is not None and row["return"] > highest):
            raise Rejected(
                f"{row['split']} task {row['task']}, trial {row['trial']} at {row['checkpoint_steps']} steps returns "
                f"{row['return']!r}; no episode of {suite.spec.id} can be outside {lowest} to {highest}."
            )


# -- other files -------------------------------------------------------------------------------------------------------


def _checked(folder: Path, name: str, manifest: Manifest) -> str:
    """Returns a file's checksum, which must be the manifest's."""
    if not (folder / name).is_file():
        raise Unchecked(f"{name} is missing, so this cannot be checked. Pack the run again, with its evidence.")
    found = digest(folder / name)
    if manifest.checksums.get(name) != found:
        raise Rejected(f"{name} does not have the checksum that the manifest states.")
    return found


def _reading(path: Path) -> Evidence:
    try:
        return read_evidence(path)
    except RecordError as error:
        raise Rejected(str(error)) from None


def _check_weights(folder: Path, manifest: Manifest) -> None:
    for place in sorted((folder / "checkpoints").glob("*")):
        name = f"checkpoints/{place.name}"
        try:
            check_seal(place)
        except RecordError as error:
            raise Rejected(str(error)) from None
        if manifest.checksums.get(name) != digest(place / SEAL):
            raise Rejected(f"{name} does not have the checksum that the manifest states.")


def _score(folder: Path, manifest: Manifest) -> float:
    try:
        return score_run(load_results(folder), manifest.covers).score
    except BenchError as error:
        raise Rejected(str(error)) from None


Trust = Literal["replayed", "recomputed", "self-reported"]
# How far each column of a leaderboard can be trusted once a run is verified.
TRUST: dict[str, Trust] = {
    "score, shots, gain, success, failed episodes, train and out-of-distribution tasks": "replayed",
    "intervals, normalised score, worst decile": "recomputed",
    "sample efficiency, reward within the trial": "self-reported",
    "steps per second, minutes, memory, configurations tried": "self-reported",
}
