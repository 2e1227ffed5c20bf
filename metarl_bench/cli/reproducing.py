"""``metarl-bench reproduce`` and ``metarl-bench rerun``: does a row come out again, and on tasks nobody has seen?"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from metarl_bench.cli.text import say, show_table
from metarl_bench.errors import BenchError, ConfigError

if TYPE_CHECKING:
    from metarl_bench.reproduction import Reproduction, SeedSet

Root = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FOLDER")]
Roots = Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="FOLDER [FOLDER ...]")]


def reproduce(
    root: Root,
    suite: str,
    agent: str,
    seeds: tuple[int, ...],
    protocol: str = "lite-v1",
    config_digest: str | None = None,
    out: Path = Path("runs"),
    workers: int = 1,
    threads: int = 0,
    json_file: Annotated[Path | None, tyro.conf.arg(name="json")] = None,
) -> int:
    """Run a leaderboard row's configuration with fresh seeds and say whether the scores agree: exit code 0 or 1.

    Args:
        root: Folder with the row's results, such as results.
        suite: Id of the suite.
        agent: Id of the agent.
        seeds: Fresh seeds, below 1000 and none of the row's own.
        protocol: Id of the protocol.
        config_digest: Which configuration, where there are several: the beginning of its digest.
        out: Folder of the new run folders.
        workers: Cells that run at the same time, each in a process of its own.
        threads: Physics threads of a cell; 0 takes one per core. Results do not depend on it.
        json_file: File that gets everything that is printed, as JSON.
    """
    from metarl_bench.engines.local import run_cells
    from metarl_bench.interrupts import interruptible
    from metarl_bench.progress import ConsoleReporter
    from metarl_bench.reproduction import compare, find_row
    from metarl_bench.storage import prepare_file, write_atomically

    if json_file is not None:
        prepare_file(json_file)
    row = find_row(root, protocol=protocol, suite=suite, agent=agent, digest=config_digest)
    cells = row.cells(seeds)
    with interruptible():
        outcomes = run_cells(cells, out, workers=workers, num_threads=threads, reporter=ConsoleReporter())
    found = compare(row, outcomes)
    _show(found)
    if json_file is not None:
        write_atomically(json_file, json.dumps(found.to_json(), indent=2) + "\n")
        say(f"wrote {json_file}")
    return int(not found.agrees)


def rerun(roots: Roots, seed: int | None = None, threads: int = 0) -> int:
    """Meta-test final weights on fresh tasks: an agent that is clearly worse there was trained on the test list.

    Exit code 1 if there is one, else 2 if a run could not be checked.

    Args:
        roots: Run folders, or folders with run folders in them.
        seed: Draws the fresh tasks; from the operating system's entropy where left out.
        threads: Physics threads; 0 takes one per core.
    """
    import secrets

    from metarl_bench import fresh_tasks
    from metarl_bench.records import find_runs

    if not roots:
        raise ConfigError("No folder was given; expected run folders, such as: metarl-bench rerun runs")
    folders = find_runs(roots)
    seed = secrets.randbits(32) if seed is None else seed
    say(f"fresh tasks are those of --seed {seed}, with which this command can be repeated")
    say("recorded       fresh  difference   p-value  tasks  run")
    unchecked = flagged = 0
    for folder in folders:
        try:
            found = fresh_tasks.rerun(folder, seed=seed, num_threads=threads)
        except BenchError as error:
            unchecked += 1
            sys.stderr.write(f"could not check {folder}: {error}\n")
            continue
        flagged += found.flagged
        say(
            f"{found.recorded:>8.2f}  {found.fresh:>10.2f}  {found.difference:>+10.2f}  {found.p_value:>8.4f}"
            f"  {found.tasks:>5}  {folder}{'  <- CLEARLY WORSE' if found.flagged else ''}"
        )
    say("p-value: two-sided permutation test of the difference; its units are the tasks of the one trained agent")
    say(f"clearly worse: a lower score on fresh tasks, with a p-value below {fresh_tasks.SIGNIFICANT}")
    say(f"{len(folders)} runs: {flagged} clearly worse on fresh tasks, {unchecked} could not be checked")
    return 1 if flagged else 2 if unchecked else 0


def _show(found: Reproduction) -> None:
    plan, stored, fresh = found.row.plan, found.row.stored, found.fresh
    title = f"{plan.cell.agent} on {plan.cell.suite}, {plan.cell.protocol}, at {plan.resolved.budget:,} steps"
    header = ("", "seeds", "mean", "IQM", "95 % interval", "score by seed")
    show_table(title, header, [("row", *_words(stored)), ("fresh", *_words(fresh))])
    say(f"intervals: {({True: 'overlap', False: 'do not overlap', None: 'not known'})[found.overlap]}")
    say(f"difference of the means, fresh - row: {found.difference:+.2f}")
    say(
        f"p-value: {found.p_value:.3g}, two-sided permutation test of that difference over seeds; the smallest that "
        f"{len(stored.seeds)} against {len(fresh.seeds)} seeds can give is {found.smallest_p_value:.2g}"
    )
    say("verdict: " + ("agrees" if found.agrees else "differs"))
    if not found.can_differ:
        say(
            "No difference, however large, could be told from chance with so few seeds: 'agrees' says little here. "
            f"Against {len(stored.seeds)} seeds it takes {found.seeds_needed} fresh ones or more."
        )


def _words(seeds: SeedSet) -> tuple[str, ...]:
    interval = "none" if seeds.interval is None else "{:.2f} to {:.2f}".format(*seeds.interval)
    by_seed = ", ".join(f"{seed}: {score:.2f}" for seed, score in zip(seeds.seeds, seeds.scores, strict=True))
    return str(len(seeds.seeds)), f"{seeds.mean:.2f}", f"{seeds.iqm:.2f}", interval, by_seed
