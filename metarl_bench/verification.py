"""The note that a run was verified, and by what: written by ``metarl-bench add``, read by the leaderboard."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, NonNegativeFloat, ValidationError

from metarl_bench import fingerprint
from metarl_bench.storage import digest, write_atomically

CardDivision = Literal["standard", "privileged", "extra-data"]
VERIFICATION = "verification.json"
_MANIFEST = "manifest.json"


class VerificationNote(BaseModel):
    """What a verifier found in a run folder.

    Attributes:
        manifest: SHA-256 of the manifest, and by its checksums of all that was verified.
        division: By the submission's card, which may say more than the manifest.
        replay: How well the evidence agreed with the simulator.
        drift: Largest relative difference that the replay met.
        packages: Of the verifier.
        fingerprint: Machine of the verifier.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    schema_version: Literal[1] = 1
    manifest: str
    division: CardDivision
    replay: Literal["bit-exact", "within tolerance"]
    drift: NonNegativeFloat
    packages: dict[str, str]
    fingerprint: dict[str, str | int]


def write_verification(folder: Path, *, division: CardDivision, exact: bool, drift: float) -> None:
    """Notes that a run folder, as it is now, was verified."""
    note = VerificationNote(
        manifest=digest(folder / _MANIFEST),
        division=division,
        replay="bit-exact" if exact else "within tolerance",
        drift=drift,
        packages=fingerprint.packages(),
        fingerprint=fingerprint.machine(),
    )
    write_atomically(folder / VERIFICATION, note.model_dump_json(indent=2) + "\n")


def read_verification(folder: Path) -> VerificationNote | None:
    """Returns the note of a run folder; None if there is none, or the folder has changed since."""
    try:
        note = VerificationNote.model_validate_json((folder / VERIFICATION).read_bytes())
        return note if note.manifest == digest(folder / _MANIFEST) else None
    except (OSError, ValidationError):
        return None
