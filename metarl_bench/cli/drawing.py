"""``metarl-bench render``: what a suite looks like, and what an agent does in it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from metarl_bench.cli.text import say, tell_failure
from metarl_bench.errors import ConfigError

if TYPE_CHECKING:
    from metarl_bench.agents import MetaAgent
    from metarl_bench.cells import Plan


def render(
    suite: Annotated[str, tyro.conf.Positional],
    task: int | None = None,
    run: Path | None = None,
    protocol: str | None = None,
    split: Literal["train", "validation", "test", "test_ood"] | None = None,
    film: Literal["gif", "mp4"] = "gif",
    above: bool = False,
    sheet: bool = False,
    paths: bool = False,
    out: Path = Path("pictures"),
    threads: int = 0,
) -> int:
    """Film a trial, and draw a contact sheet of the tasks; needs no display.

    The film shows the harness's own meta-test: with --run, the very episodes that the run recorded.

    Args:
        suite: Its id.
        task: Index of the task that is filmed; the first of the protocol's where left out.
        run: Run folder whose newest checkpoint acts; random actions where left out.
        protocol: Its meta-test is played; the run's where left out, and lite-v1 without a run.
        split: Whose tasks; what the protocol tests first where left out.
        film: Kind of file; MP4 takes the program ffmpeg.
        above: Film from straight above.
        sheet: Draw the contact sheet only.
        paths: Draw the paths of a trial's adaptation episodes, and of those that its score counts, instead of a film.
        out: Folder of the pictures.
        threads: Physics threads; 0 takes one per core.
    """
    from metarl_bench.pictures.film import film_trial
    from metarl_bench.pictures.paths import plot_paths
    from metarl_bench.pictures.sheet import contact_sheet
    from metarl_bench.storage import prepare_folder, write_atomically

    if sheet and (task is not None or run is not None):
        raise ConfigError("--sheet draws the starts of all tasks; expected neither --task nor --run, which film one.")
    if above and (sheet or paths):
        raise ConfigError("--above is where a film is taken from; expected neither --sheet nor --paths with it.")
    agent, plan, steps = _actor(suite, run, protocol)
    tested = plan.resolved.splits
    split = split or tested[0]
    if split not in tested:
        raise ConfigError(f"--split got {split}; {plan.cell.protocol} tests {', '.join(tested)} of {suite}.")
    stem = f"{suite.replace('/', '-')}-{split}"
    prepare_folder(out)
    path = out / f"{stem}-tasks.png"
    write_atomically(path, contact_sheet(plan.suite, plan.resolved, split))
    say(f"{path}: {len(plan.resolved.tasks(split))} tasks")
    if sheet:
        return 0
    chosen = plan.resolved.tasks(split)[0].index if task is None else task
    path = out / f"{stem}-{chosen}-{plan.cell.agent}.{'png' if paths else film}"
    show = plot_paths if paths else partial(film_trial, above=above)
    episodes = show(agent, plan, path, split=split, task=chosen, steps=steps, num_threads=threads, tell=tell_failure)
    say(f"{path}: {len(episodes)} episodes")
    for play, total in episodes:
        say(f"  {play.phase} at shot {play.shot}: return {total:.2f}")
    return 0


def _actor(suite: str, run: Path | None, protocol: str | None) -> tuple[MetaAgent, Plan, int]:
    """Returns who acts, in which cell, and after how many training steps."""
    from metarl_bench.cells import Cell, Plan
    from metarl_bench.checkpoints import load_agent, newest_checkpoint, read_plan

    if run is None:
        plan = Plan.of(Cell(protocol=protocol or "lite-v1", suite=suite, agent="random", seed=0))
        return plan.build_agent(), plan, 0
    weights = newest_checkpoint(run)
    plan, steps = read_plan(weights, suite=suite, protocol=protocol)
    return load_agent(weights, plan), plan, steps
