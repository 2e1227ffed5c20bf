"""``metarl-bench run`` and ``metarl-bench evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from metarl_bench.cli.settings import Settings, parse_settings
from metarl_bench.cli.text import say, tell_failure
from metarl_bench.errors import ConfigError

if TYPE_CHECKING:
    from metarl_bench.runner import Cell, Outcome


def run(
    protocol: str,
    suite: tuple[str, ...],
    agent: tuple[str, ...],
    seeds: Annotated[tuple[int, ...], tyro.conf.arg(aliases=["--seed"])] = (0,),
    out: Path = Path("runs"),
    workers: int = 1,
    threads: int = 0,
    until: int | None = None,
    settings: Settings = (),
    split: Literal["test", "validation"] = "test",
    keep_weights: Literal["all", "final"] = "all",
    force_new_run: bool = False,
) -> int:
    """Train and meta-test agents: one run folder for each suite, agent and seed; goes on with what is there.

    Args:
        protocol: Id of the protocol, such as lite-v1.
        suite: Ids of the suites.
        agent: Ids of the agents.
        seeds: Seeds; those of validation cells start at 1000.
        out: Folder of the run folders.
        workers: Cells that run at the same time, each in a process of its own.
        threads: Physics threads of a cell; 0 takes one per core. Results do not depend on it.
        until: Stop at the last save point or checkpoint within this many environment steps; a later run goes on.
        settings: Values of the agents' configuration, each as name=value.
        split: Tasks of the meta-test; validation is for choosing settings.
        keep_weights: Keep the weights of all checkpoints, or of the final one only.
        force_new_run: Put a run of other settings or versions aside and start over.
    """
    from metarl_bench.engines.local import run_cells
    from metarl_bench.interrupts import interruptible
    from metarl_bench.progress import ConsoleReporter

    cells = _cells(protocol, suite, agent, seeds, settings, split)
    with interruptible():
        outcomes = run_cells(
            cells,
            out,
            workers=workers,
            until=until,
            num_threads=threads,
            keep_weights=keep_weights,
            force_new_run=force_new_run,
            reporter=ConsoleReporter(),
        )
    for cell, outcome in zip(cells, outcomes, strict=True):
        say(_summary(cell, outcome))
        if outcome.status == "partial":
            say(f"  to go on: {cell.command(out, keep_weights)}")
    return int(any(outcome.status == "failed" or outcome.episodes_failed for outcome in outcomes))


def evaluate(
    weights: Path,
    suite: str | None = None,
    protocol: str | None = None,
    threads: int = 0,
    out: Path | None = None,
) -> int:
    """Meta-test saved weights, without training.

    Args:
        weights: A folder checkpoints/<steps> of a run.
        suite: Another suite than the one of the weights.
        protocol: Another protocol than the one of the weights.
        threads: Physics threads; 0 takes one per core.
        out: CSV file for the rows, one an episode.
    """
    from metarl_bench.runner import evaluate as evaluate_weights
    from metarl_bench.storage import prepare_file, write_atomically

    if out is not None:
        prepare_file(out)
    frame = evaluate_weights(weights, suite=suite, protocol=protocol, num_threads=threads, tell=tell_failure)
    scored = frame[frame["phase"] == "evaluation"]
    say("split       shot  mean return  success  episodes  failed")
    for (split, shot), episodes in scored.groupby(["split", "shot"], sort=False):
        say(
            f"{split:<10}  {shot:>4}  {episodes['return'].mean():>11.2f}  {episodes['success'].mean():>7.2f}"
            f"  {len(episodes):>8}  {int(episodes['failed'].sum()):>6}"
        )
    if out is not None:
        write_atomically(out, frame.to_csv(index=False))
        say(f"{len(frame)} rows: {out}")
    return int(bool(frame["failed"].any()))


def _cells(
    protocol: str,
    suites: tuple[str, ...],
    agents: tuple[str, ...],
    seeds: tuple[int, ...],
    settings: tuple[str, ...],
    split: Literal["test", "validation"],
) -> list[Cell]:
    from metarl_bench.runner import Cell

    for name, values in (("--suite", suites), ("--agent", agents), ("--seeds", seeds)):
        if not values:
            raise ConfigError(f"{name} got nothing; expected at least one.")
        if len(set(values)) < len(values):
            raise ConfigError(f"{name} got {' '.join(map(str, values))}; expected each once.")
    config = parse_settings(settings)
    return [
        Cell(protocol=protocol, suite=suite, agent=agent, seed=seed, config=config, primary_split=split)
        for suite in suites
        for agent in agents
        for seed in seeds
    ]


def _summary(cell: Cell, outcome: Outcome) -> str:
    from metarl_bench.records import MANIFEST

    failed = outcome.episodes_failed
    why = f", {failed} failed episodes (see errors in {outcome.folder / MANIFEST})" if failed else ""
    resumed = ", resumed" if outcome.resumed else ""
    return f"{cell.name}: {outcome.status} at {outcome.steps:,} steps{why}{resumed}: {outcome.folder}"
