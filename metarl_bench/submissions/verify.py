"""Verifies a submission: all of its data is read and compared, none of it is executed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from metarl_bench.errors import RecordError
from metarl_bench.records import EPISODES, iter_runs, read_rows
from metarl_bench.submissions.card import CARD, SubmissionCard
from metarl_bench.submissions.files import check_files, run_folders
from metarl_bench.submissions.problems import Rejected, Unchecked
from metarl_bench.submissions.run_checks import TRUST, RunVerdict, check_run, returns_key
from metarl_bench.submissions.strict_json import read_model

EXIT_CODES = {"verified": 0, "rejected": 1, "unchecked": 2}


@dataclass
class Verification:
    """What verifying a submission found.

    Attributes:
        card: None where it could not be read.
        runs: Verdicts of the runs that passed, by path in the submission.
        rejected: Why it is rejected, one line each.
        unchecked: What could not be checked here, one line each.
    """

    card: SubmissionCard | None = None
    runs: dict[str, RunVerdict] = field(default_factory=dict)
    rejected: list[str] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)

    @property
    def verdict(self) -> Literal["verified", "rejected", "unchecked"]:
        """``verified`` only if every check was made and passed."""
        return "rejected" if self.rejected else "unchecked" if self.unchecked else "verified"

    def to_json(self) -> dict[str, Any]:
        """Returns the report as JSON types."""
        return {
            "verdict": self.verdict,
            "agent": self.card.agent if self.card else None,
            "rejected": self.rejected,
            "unchecked": self.unchecked,
            "trust": TRUST,
            "runs": {
                name: {
                    "score": run.score,
                    "replay": "bit-exact" if run.exact else "within tolerance",
                    "largest_drift": run.drift,
                    "replayed_steps": run.steps,
                    "replay_seconds": round(run.seconds, 3),
                    "evidence": run.evidence,
                }
                for name, run in self.runs.items()
            },
        }


def verify(folder: Path, *, against: Sequence[Path] = (), num_threads: int = 0) -> Verification:
    """Verifies a submission.

    Args:
        folder: As ``pack`` wrote it.
        against: Folders of results that it must not be a copy of.
        num_threads: Physics threads of the replay; 0 takes one per core.

    Raises:
        RecordError: If there is no such folder.
    """
    if not folder.is_dir():
        raise RecordError(f"There is no folder {folder}; expected a submission, as metarl-bench pack writes it.")
    found = Verification()
    with _noting(found):
        check_files(folder)
    if found.rejected:
        return found
    with _noting(found):
        found.card = read_model(folder / CARD, SubmissionCard)
    for run in run_folders(folder):
        name = run.relative_to(folder).as_posix()
        with _noting(found, f"{name}: "):
            found.runs[name] = check_run(run, num_threads=num_threads)
    if found.verdict == "verified" and found.card is not None:
        with _noting(found):
            _check_seeds(found.card, found.runs)
            _check_claims(found.card, found.runs)
            _check_copies(found.runs, folder, against)
    return found


@contextmanager
def _noting(found: Verification, where: str = "") -> Iterator[None]:
    """Notes how a check ends if it does not pass."""
    try:
        yield
    except Rejected as error:
        found.rejected.append(f"{where}{error}")
    except Unchecked as error:
        found.unchecked.append(f"{where}{error}")


def _check_seeds(card: SubmissionCard, runs: dict[str, RunVerdict]) -> None:
    """Seeds are the protocol's first ones without gaps, so that nobody chooses among them."""
    by_row: dict[tuple[str, str], list[int]] = defaultdict(list)
    for run in runs.values():
        manifest = run.manifest
        if manifest.agent != card.agent:
            raise Rejected(f"A run is of {manifest.agent!r}; the card submits {card.agent!r}.")
        if manifest.division == "privileged" and card.division != "privileged":
            raise Rejected(f"The runs are of the privileged division; the card says {card.division}.")
        by_row[manifest.protocol, manifest.suite].append(manifest.seed)
    for (protocol, suite), seeds in by_row.items():
        if sorted(seeds) != list(range(len(seeds))):
            raise Rejected(
                f"{suite}, {protocol}: the seeds are {sorted(seeds)}; expected the first ones without gaps, "
                f"{list(range(len(seeds)))}. Run the missing ones."
            )


def _check_claims(card: SubmissionCard, runs: dict[str, RunVerdict]) -> None:
    found: dict[tuple[str, str, str, str], dict[int, float]] = defaultdict(dict)
    for run in runs.values():
        manifest = run.manifest
        found[manifest.protocol, manifest.suite, manifest.digest, manifest.config_digest][manifest.seed] = run.score
    claimed = {
        (claim.protocol, claim.suite, claim.digest, claim.config_digest): dict(
            zip(claim.seeds, claim.scores, strict=False)
        )
        for claim in card.claims
    }
    if claimed.keys() != found.keys() or len(claimed) < len(card.claims):
        raise Rejected(f"The card claims {sorted(claimed)}; the runs are {sorted(found)}.")
    for row, scores in found.items():
        for seed in sorted({*scores, *claimed[row]}):
            claim, score = claimed[row].get(seed), scores.get(seed)
            if claim != score:
                raise Rejected(
                    f"{row[1]}, {row[0]}, seed {seed}: the card claims the score {claim!r}; the records give {score!r}."
                )


def _check_copies(runs: dict[str, RunVerdict], folder: Path, against: Sequence[Path]) -> None:
    keys = {run.key: (name, run.manifest) for name, run in runs.items()}
    for other, agent, key in _other_keys(folder, against):
        if key in keys and keys[key][1].agent != agent:
            raise Rejected(
                f"{keys[key][0]} has the same returns as {other} of {agent}; a copy is no result of its own."
            )


def _other_keys(folder: Path, against: Sequence[Path]) -> Iterator[tuple[str, str, str]]:
    """Yields path, agent and key of every run that others have."""
    try:
        for _, run, manifest in iter_runs(against):
            if folder.resolve() not in run.resolve().parents and manifest.status == "complete":
                yield str(run), manifest.agent, returns_key(read_rows(run, EPISODES, manifest), manifest.budget)
    except RecordError as error:
        raise Unchecked(f"It cannot be compared with other results: {error}") from None
