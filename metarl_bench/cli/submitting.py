"""``metarl-bench pack``, ``verify``, ``add`` and ``replay``: results that strangers can check."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from metarl_bench.cli.text import say
from metarl_bench.errors import ConfigError

if TYPE_CHECKING:
    from metarl_bench.submissions.verify import Verification

Runs = Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="RUN [RUN ...]")]
Folder = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FOLDER")]


def pack(
    runs: Runs,
    out: Path,
    name: str,
    authors: tuple[str, ...],
    configurations_tried: int,
    paper: str = "",
    code: str = "",
    division: Literal["standard", "privileged", "extra-data"] = "standard",
    weights: bool = False,
) -> int:
    """Pack finished runs of one agent into a submission folder.

    Args:
        runs: Run folders, or folders that hold them.
        out: Folder to write.
        name: How tables may call the agent.
        authors: Who submits it.
        configurations_tried: How many were trained before these results.
        paper: Its https address.
        code: Its https address.
        division: What the agent learned from and saw; see RULES.md.
        weights: Add the weights of the final checkpoint, so that others can re-run them.
    """
    from pydantic import ValidationError

    from metarl_bench.records import find_runs
    from metarl_bench.submissions.pack import pack as pack_runs

    fields: dict[str, object] = {"name": name, "authors": list(authors), "paper": paper, "code": code}
    fields |= {"division": division, "configurations_tried": configurations_tried}
    try:
        card = pack_runs(find_runs(runs), out, fields, weights=weights)
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError(f"{'.'.join(map(str, first['loc']))} is {first['input']!r}: {first['msg']}.") from None
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file()) / 2**20
    say(f"{card.agent}: {sum(len(claim.seeds) for claim in card.claims)} runs, {size:.1f} MiB: {out}")
    return 0


def verify(folder: Folder, against: tuple[Path, ...] = (), report: Path | None = None, threads: int = 0) -> int:
    """Check a submission: nothing of it is imported or run. Ends with 0 verified, 1 rejected, 2 could not check.

    Args:
        folder: As pack wrote it.
        against: Folders of results that it must not be a copy of.
        report: JSON file for the report.
        threads: Physics threads of the replay; 0 takes one per core.
    """
    from metarl_bench.storage import prepare_file
    from metarl_bench.submissions.verify import verify as verify_folder

    if report is not None:
        prepare_file(report)
    return _report(verify_folder(folder, against=against, num_threads=threads), report)


def add(folder: Folder, results: Path = Path("results"), evidence_by_hash: bool = False, threads: int = 0) -> int:
    """Verify a submission and place it among the results. Ends with 0 added, 1 rejected, 2 could not check.

    Args:
        folder: As pack wrote it.
        results: Where to.
        evidence_by_hash: Keep the hashes of the evidence only.
        threads: Physics threads of the replay; 0 takes one per core.
    """
    from metarl_bench.submissions.add import MOST_EVIDENCE_MIB, evidence_mib
    from metarl_bench.submissions.add import add as add_folder

    code = _report(add_folder(folder, results, evidence_by_hash=evidence_by_hash, num_threads=threads), None)
    if (size := evidence_mib(results)) > MOST_EVIDENCE_MIB:
        sys.stderr.write(f"{results} holds {size:.0f} MiB of evidence; expected at most {MOST_EVIDENCE_MIB}.\n")
    return code


def replay(runs: Runs, threads: int = 0) -> int:
    """Play the evidence of runs again in the simulator. Ends with 0 genuine, 1 differs, 2 could not check.

    Args:
        runs: Run folders, or folders that hold them.
        threads: Physics threads; 0 takes one per core.
    """
    from metarl_bench.records import find_runs
    from metarl_bench.submissions.problems import NoResult, Rejected, Unchecked
    from metarl_bench.submissions.run_checks import check_run

    if not runs:
        raise ConfigError("No run was given; expected run folders, such as: metarl-bench replay runs")
    codes = [0]
    for run in find_runs(runs):
        try:
            found = check_run(run, num_threads=threads)
        except (NoResult, Unchecked) as error:
            codes.append(2)
            say(f"not checked  {run}: {error}")
        except Rejected as error:
            codes.append(1)
            say(f"DIFFERS  {run}: {error}")
        else:
            kind = "bit-exact" if found.exact else f"within tolerance (drift {found.drift:.1e})"
            say(f"genuine  {run}: score {found.score:.4g}, {found.steps:,} steps in {found.seconds:.1f} s, {kind}")
    return 1 if 1 in codes else max(codes)


def _report(found: Verification, path: Path | None) -> int:
    from metarl_bench.report.escaping import clean
    from metarl_bench.storage import write_atomically
    from metarl_bench.submissions.run_checks import TRUST
    from metarl_bench.submissions.verify import EXIT_CODES

    for name, run in found.runs.items():
        kind = "bit-exact" if run.exact else f"within tolerance (drift {run.drift:.1e})"
        say(clean(f"ok        {name}: score {run.score:.6g}, {run.steps:,} steps replayed, {kind}"))
    for line in found.rejected:
        say(clean(f"REJECTED  {line}"))
    for line in found.unchecked:
        say(clean(f"unchecked {line}"))
    say({"verified": "Verified.", "rejected": "Rejected.", "unchecked": "Could not be checked."}[found.verdict])
    if found.verdict == "verified":
        say("\n".join(f"  {trust}: {columns}" for columns, trust in TRUST.items()))
    if path is not None:
        write_atomically(path, json.dumps(found.to_json(), indent=2) + "\n")
    return EXIT_CODES[found.verdict]
