"""Runs one cell: refuses what cannot be run before any simulation step, then trains, meta-tests and records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from metarl_bench.cells import Cell, Plan, differences
from metarl_bench.checkpoints import evaluate
from metarl_bench.errors import ConfigError, RecordError
from metarl_bench.interrupts import Interrupted, interruption_wins, telling
from metarl_bench.opening import check_threads
from metarl_bench.progress import Reporter, SilentReporter
from metarl_bench.records import EPISODES, MANIFEST, Manifest, Status, read_manifest, write_manifest
from metarl_bench.run_folder import RunFolder, check_output_folder, count_runs, locked, retire
from metarl_bench.session import KeepWeights, Session
from metarl_bench.simulator_log import simulator_warnings

__all__ = ["Cell", "Outcome", "evaluate", "run", "run_cell"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How the run of a cell ended.

    Attributes:
        folder: The run folder.
        status: ``partial`` runs can be resumed.
        steps: Environment steps of training that are stored.
        episodes_failed: Episodes of the meta-tests that were recorded as failed.
        resumed: Whether the run went on from (or had been finished in) an earlier session.
        message: Why it failed.
    """

    folder: Path
    status: Status
    steps: int
    episodes_failed: int
    resumed: bool
    message: str = ""


def run(
    *,
    protocol: str,
    suite: str,
    agent: str,
    seed: int = 0,
    out: Path | str = "runs",
    config: Mapping[str, object] | None = None,
    until: int | None = None,
    num_threads: int = 0,
) -> Outcome:
    """Runs one cell, or goes on with it; see ``run_cell``."""
    cell = Cell(protocol=protocol, suite=suite, agent=agent, seed=seed, config=tuple((config or {}).items()))
    return run_cell(cell, Path(out), until=until, num_threads=num_threads)


def run_cell(
    cell: Cell,
    out: Path,
    *,
    until: int | None = None,
    num_threads: int = 0,
    keep_weights: KeepWeights = "all",
    force_new_run: bool = False,
    reporter: Reporter | None = None,
) -> Outcome:
    """Trains and meta-tests one cell, going on from its newest save point; a finished run is left as it is.

    Args:
        cell: What to run.
        out: Output folder; its parent must exist.
        until: Stop, resumable, after the last boundary (save point or checkpoint) up to these steps.
        num_threads: Physics threads; 0 takes one per core. Results do not depend on it.
        keep_weights: ``final`` drops the weights of all but the last checkpoint when the run is complete.
        force_new_run: Begin from nothing; a run that is there is kept beside it as ``seed-<k>-retired-<n>``.
        reporter: Is told about progress.

    Raises:
        ConfigError: If ``until`` is below 1 or ``num_threads`` below 0; before anything is written.
        RecordError: If the folder cannot be used for this cell; before any simulation step.
        AgentError: If the agent raised in meta-training.
        SuiteError: If the suite raised in a meta-test.
    """
    check_limits(until, num_threads)
    plan = Plan.of(cell)
    reporter = reporter or SilentReporter()
    folder = cell.folder(out)
    check_output_folder(out)
    if force_new_run:
        retire(folder)
    with locked(folder):
        manifest = _open(folder, plan)
        run_folder = RunFolder(folder, reporter.message)
        if manifest.status == "complete":
            run_folder.drop_saves()
            return _outcome(folder, manifest, resumed=True)
        session = Session(plan, run_folder, manifest, reporter, num_threads)
        status = "failed"
        command = cell.command(out, keep_weights)
        try:
            with interruption_wins(), telling(lambda: _losses(cell, session, command)):
                reporter.begin(cell.name, plan.resolved.budget * plan.resolved.learners, manifest.steps)
                with simulator_warnings(folder):
                    session.train(plan.resolved.budget if until is None else until)
                if session.manifest.committed == plan.resolved.budget:
                    session.complete(keep_weights)
            status = session.manifest.status
        except Interrupted:
            status = "interrupted"
            raise
        finally:
            reporter.end(status)
        return _outcome(folder, session.manifest, resumed=session.resumed)


def check_limits(until: int | None, num_threads: int) -> None:
    """Raises ``ConfigError`` for limits of a run that cannot be."""
    if until is not None and until < 1:
        raise ConfigError(f"until is {until} steps; expected 1 or more, or to leave it out for the whole budget.")
    check_threads(num_threads)


def _losses(cell: Cell, session: Session, command: str) -> list[str]:
    """Returns what an interruption now costs, and the command that goes on."""
    lost = f"{cell.name}: {session.lost_steps:,} steps since the last save point are lost."
    return [lost, f"Resume with: {command}"]


def _outcome(folder: Path, manifest: Manifest, *, resumed: bool) -> Outcome:
    return Outcome(
        folder=folder,
        status=manifest.status,
        steps=manifest.steps,
        episodes_failed=manifest.failed_episodes,
        resumed=resumed,
    )


def _open(folder: Path, plan: Plan) -> Manifest:
    """Returns the folder's manifest, or begins a new one.

    Raises:
        RecordError: If the folder holds another run, or lacks the manifest to what it holds.
    """
    now = plan.manifest(count_runs(folder))
    if (folder / MANIFEST).exists():
        stored = read_manifest(folder)
        lines = differences(stored, now)
        if lines:
            raise RecordError(
                f"{folder} holds a run that differs from the one asked for:\n  "
                + "\n  ".join(lines)
                + "\nRepeat it with the old values, choose another output folder, or begin again beside it with "
                "--force-new-run."
            )
        return stored
    if (folder / EPISODES).exists() or (folder / "save").exists():
        raise RecordError(
            f"{folder} holds results without their {MANIFEST}; expected both. "
            "Restore it from a copy, or begin again beside it with --force-new-run."
        )
    write_manifest(folder, now)
    return now
