"""Packs finished runs into a submission: copies of plain data, and a card with the claimed scores."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from metarl_bench.cells import Plan
from metarl_bench.checkpoints import load_agent, test_split
from metarl_bench.errors import ConfigError, RecordError
from metarl_bench.evidence import evidence_path, write_evidence
from metarl_bench.records import (
    EPISODES,
    WITHIN_TRIAL,
    Manifest,
    Rows,
    load_results,
    read_manifest,
    read_rows,
    write_manifest,
)
from metarl_bench.run_folder import LOG
from metarl_bench.scores import score_run
from metarl_bench.storage import TEMPORARY, storing, write_atomically
from metarl_bench.submissions.card import CARD, Claim, SubmissionCard
from metarl_bench.submissions.files import RUNS


def pack(runs: Sequence[Path], out: Path, card: dict[str, object], *, weights: bool = False) -> SubmissionCard:
    """Writes a submission folder.

    Args:
        runs: Finished run folders of one agent.
        out: Folder to write; must not exist yet, or be empty.
        card: The fields of ``SubmissionCard`` that the runs do not tell: name, authors, paper, code, division,
            configurations_tried.
        weights: Whether the weights of the final checkpoint are part of it.

    Nothing is written unless all of it can be: the folder is filled beside its place, and moved there at the end.

    Raises:
        ConfigError: If there is no run.
        ValidationError: If a field of the card is not what it has to be.
        RecordError: If a run is not finished or damaged, runs of several agents meet, or the folder is in use.
    """
    if not runs:
        raise ConfigError("No run was given; expected finished run folders, such as: metarl-bench pack runs --out ...")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        what = "not empty" if out.is_dir() else "a file"
        raise RecordError(f"{out} is {what}; expected a folder to be made. Choose another --out or remove it.")
    manifests = {run: read_manifest(run) for run in runs}
    agents = sorted({manifest.agent for manifest in manifests.values()})
    if len(agents) != 1:
        raise RecordError(f"The runs are of {', '.join(agents)}; expected those of one agent.")
    places: dict[Path, Path] = {}
    for run, manifest in manifests.items():
        _check_whole(run, manifest, weights=weights)
        place = Path(RUNS, manifest.protocol, manifest.suite, manifest.agent, f"seed-{manifest.seed}")
        if place in places.values():
            raise RecordError(f"{run} is a second run of {manifest.suite}, seed {manifest.seed}; expected one of each.")
        places[run] = place
    made = SubmissionCard.model_validate({"agent": agents[0], "claims": list(_claims(manifests)), **card})
    with _filled(out) as folder:
        for run, place in places.items():
            _copy(run, folder / place, manifests[run], weights=weights)
        write_atomically(folder / CARD, made.model_dump_json(indent=2) + "\n")
    return made


def add_evidence(run: Path, manifest: Manifest, place: Path) -> Manifest:
    """Records the evidence of a finished run from its final weights, as if it had been recorded then.

    Args:
        run: A run folder with the weights of the final checkpoint.
        manifest: Of the run.
        place: Where the evidence goes: the run folder itself, or a copy of it.

    Returns:
        The manifest with the checksums of the evidence.

    Raises:
        RecordError: If the weights are gone, or do not repeat the records.
    """
    weights = run / "checkpoints" / str(manifest.budget)
    if not weights.is_dir():
        raise RecordError(f"{run} has neither evidence nor final weights; expected one of both. Run the cell again.")
    plan = Plan.of_run(manifest)
    stored = [row for row in read_rows(run, EPISODES, manifest) if row["checkpoint_steps"] == manifest.budget]
    checksums = {}
    for split in plan.resolved.splits:
        agent = load_agent(weights, plan)
        found = test_split(agent, plan, split, steps=manifest.budget, num_threads=0, record_evidence=True)
        repeated = [{"checkpoint_steps": manifest.budget, **row} for row in found.rows]
        if not _hold(repeated, [row for row in stored if row["split"] == split]):
            raise RecordError(f"The weights of {run} do not repeat its records here; record it where it was run.")
        name = evidence_path(manifest.budget, split)
        if found.evidence is not None:
            checksums[name] = write_evidence(place / name, found.evidence)
    return manifest.model_copy(update={"checksums": manifest.checksums | checksums})


def _hold(rows: Rows, older: Rows) -> bool:
    """Returns whether rows are those of a table, which may lack columns that are younger."""
    return len(rows) == len(older) and all(old.items() <= row.items() for row, old in zip(rows, older, strict=True))


def _check_whole(run: Path, manifest: Manifest, *, weights: bool) -> None:
    if manifest.status != "complete" or manifest.primary_split != "test":
        raise RecordError(f"{run} is {manifest.status}, on {manifest.primary_split} tasks; expected complete, on test.")
    for name in _files(manifest, weights=weights):
        if not (run / name).exists():
            raise RecordError(f"{run} lacks {name}; expected the whole run folder. Restore it, or run the cell again.")


def _files(manifest: Manifest, *, weights: bool) -> list[str]:
    final = [f"checkpoints/{manifest.budget}"] if weights else []
    return [EPISODES, WITHIN_TRIAL, LOG, *final]


@contextmanager
def _filled(out: Path) -> Iterator[Path]:
    """Gives an empty folder to fill, which gets its name once it is full; what fails leaves nothing behind."""
    temporary = out.with_name(f"{TEMPORARY}{out.name}")
    with storing(temporary):
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
    try:
        yield temporary
        with storing(out):
            temporary.replace(out)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _copy(run: Path, place: Path, manifest: Manifest, *, weights: bool) -> None:
    with storing(place):
        place.mkdir(parents=True)
        for name in _files(manifest, weights=weights):
            copy = shutil.copytree if (run / name).is_dir() else shutil.copyfile
            copy(run / name, place / name)
    splits = [split for split, _ in manifest.covers["task_counts"]]
    names = [evidence_path(manifest.budget, split) for split in splits]
    if all((run / name).is_file() for name in names):
        with storing(place):
            for name in names:
                (place / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(run / name, place / name)
    else:
        manifest = add_evidence(run, manifest, place)
    write_manifest(place, manifest)


def _claims(manifests: Mapping[Path, Manifest]) -> Iterator[Claim]:
    scores: dict[tuple[str, str, str, str], dict[int, float]] = defaultdict(dict)
    for run, manifest in manifests.items():
        row = (manifest.protocol, manifest.suite, manifest.digest, manifest.config_digest)
        scores[row][manifest.seed] = score_run(load_results(run), manifest.covers).score
    for (protocol, suite, digest, config_digest), by_seed in sorted(scores.items()):
        yield Claim(
            protocol=protocol,
            suite=suite,
            digest=digest,
            config_digest=config_digest,
            seeds=sorted(by_seed),
            scores=[by_seed[seed] for seed in sorted(by_seed)],
        )
