"""Places a verified submission among the results, where the leaderboard shows it."""

from __future__ import annotations

import shutil
from pathlib import Path

from metarl_bench.errors import RecordError
from metarl_bench.evidence import EVIDENCE
from metarl_bench.records import EPISODES, MANIFEST, WITHIN_TRIAL, read_manifest
from metarl_bench.storage import storing, write_atomically
from metarl_bench.submissions.card import SubmissionCard
from metarl_bench.submissions.files import RUNS
from metarl_bench.submissions.problems import Rejected, Unchecked
from metarl_bench.submissions.strict_json import read_model
from metarl_bench.submissions.verify import Verification, verify
from metarl_bench.verification import write_verification

CARDS = "submissions"
# What may be committed in all; beyond it evidence is kept by its hash, and by whoever submitted it.
MOST_EVIDENCE_MIB = 100


def add(folder: Path, results: Path, *, evidence_by_hash: bool = False, num_threads: int = 0) -> Verification:
    """Verifies a submission and copies it into a folder of results.

    A run that is there already must have the same records; it gets what it lacks.

    Args:
        folder: As ``pack`` wrote it.
        results: Such as ``results``.
        evidence_by_hash: Leave the evidence files where they are; the manifests keep their hashes.
        num_threads: Physics threads of the replay; 0 takes one per core.

    Returns:
        What verifying found; nothing was copied unless the verdict is ``verified``.

    Raises:
        RecordError: If there is no such folder, the agent's id belongs to others, or a run that is there differs.
    """
    found = verify(folder, against=[results], num_threads=num_threads)
    if found.verdict != "verified" or found.card is None:
        return found
    card = _merged(found.card, results / CARDS / f"{found.card.agent}.json")
    targets = {name: results / Path(name).relative_to(RUNS) for name in found.runs}
    for name, target in targets.items():
        _check_same(folder / name, target)
    for name, target in targets.items():
        _copy(folder / name, target, evidence_by_hash=evidence_by_hash)
        write_verification(target, division=card.division, exact=found.runs[name].exact, drift=found.runs[name].drift)
    with storing(results / CARDS):
        (results / CARDS).mkdir(exist_ok=True)
    write_atomically(results / CARDS / f"{card.agent}.json", card.model_dump_json(indent=2) + "\n")
    return found


def evidence_mib(results: Path) -> float:
    """Returns how much evidence lies below a folder of results, in MiB."""
    return sum(path.stat().st_size for path in results.rglob(f"{EVIDENCE}/*/*.safetensors")) / 2**20


def _merged(card: SubmissionCard, path: Path) -> SubmissionCard:
    """Returns the card with the claims of the agent's earlier submissions that it does not replace."""
    if not path.exists():
        return card
    try:
        known = read_model(path, SubmissionCard)
    except (Rejected, Unchecked) as error:
        raise RecordError(f"{path} is damaged: {error} Restore it from a copy.") from None
    if known.authors != card.authors:
        raise RecordError(
            f"The agent id {card.agent!r} belongs to a submission of {', '.join(known.authors)}; expected the same "
            f"authors, or another id. Got {', '.join(card.authors)}."
        )
    # A run's folder names protocol, suite, agent and seed, so the results hold one configuration of each such row.
    rows = {(claim.protocol, claim.suite) for claim in card.claims}
    kept = [claim for claim in known.claims if (claim.protocol, claim.suite) not in rows]
    return card.model_copy(update={"claims": [*kept, *card.claims]})


def _check_same(run: Path, target: Path) -> None:
    if not (target / MANIFEST).exists():
        return
    new, old = read_manifest(run), read_manifest(target)
    if any(new.checksums.get(name) != old.checksums.get(name) for name in (EPISODES, WITHIN_TRIAL)):
        raise RecordError(
            f"{target} holds another run of this cell; expected none, or the same records. "
            "Submit under another agent id."
        )


def _copy(run: Path, target: Path, *, evidence_by_hash: bool) -> None:
    left_out = shutil.ignore_patterns(EVIDENCE) if evidence_by_hash else None
    with storing(target):
        shutil.copytree(run, target, ignore=left_out, dirs_exist_ok=True)
