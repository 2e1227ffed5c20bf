"""The legacy number: Meta-World's own evaluation of an agent, beside the unbiased success of the run's records.

Published numbers of Meta-World come from its ``metaworld.evaluation``, which reports too much (the card of the suites
says why). So that they can be compared, this runs it on a trained agent, in Meta-World's own environments::

    python -m metarl_suites.manipulation.legacy runs/paper/metaworld-ml10-v1/.../checkpoints/20000000 --out FOLDER

The records are of other goals than the library's evaluation, in part: both are compared on those that they share, too.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

import metaworld
import pandas as pd
from metaworld.evaluation import metalearning_evaluation

from metarl_bench import fingerprint, seeding
from metarl_bench.checkpoints import load_agent, read_plan
from metarl_bench.cli.text import say, show_table
from metarl_bench.commands import run_command
from metarl_bench.errors import ConfigError, RecordError
from metarl_bench.records import load_results
from metarl_bench.simulator_log import simulator_warnings
from metarl_bench.storage import prepare_folder, write_atomically
from metarl_bench.tasks import Suite
from metarl_suites.manipulation.goals import GOALS_PER_KIND
from metarl_suites.manipulation.library_agent import LibraryAgent
from metarl_suites.manipulation.suite import SEED, goal_of


class Shape(NamedTuple):
    """How Meta-World's examples evaluate a benchmark.

    Attributes:
        goals: Of each test kind; the first ones of its list.
        envs: Environments of each test kind, which share its goals and are counted together.
    """

    goals: int
    envs: int


_ML1, _SEVERAL = Shape(goals=50, envs=10), Shape(goals=40, envs=4)
# As in its evaluation.
_ADAPTATION_EPISODES, _EVALUATION_EPISODES = 10, 3
# Parts of the result, and how tables call them.
_PARTS = {"legacy": "legacy", "unbiased": "unbiased", "unbiased_shared": "unbiased, shared goals"}
_HEADER = ("kind", *_PARTS.values())
_TITLE = "Success: legacy is Meta-World's own evaluation, unbiased has one record an episode, shared goals are in both"


def library_envs(suite: Suite, shape: Shape) -> Any:
    """Returns Meta-World's own test environments of a suite."""
    name = suite.spec.id.removeprefix("manipulation/").removesuffix("-v1")
    kinds = {goal_of(suite.spec, task)[0] for task in suite.tasks("test")}
    return metaworld.make_ml_envs_test(
        f"{name.removeprefix('ml1-')}-v3" if name.startswith("ml1-") else name.upper(),
        seed=SEED,
        meta_batch_size=shape.envs * len(kinds),
        total_tasks_per_cls=shape.goals,
    )


def legacy(folder: Path) -> dict[str, Any]:
    """Returns what Meta-World's evaluation and the run's records say of a checkpoint.

    Args:
        folder: ``checkpoints/<steps>`` of a run on one of Meta-World's benchmarks.

    Returns:
        ``legacy``, ``unbiased`` and ``unbiased_shared`` (on goals that the library's evaluation plays, too), each with
        ``success`` and ``by_kind``, and what they are of.

    Raises:
        ConfigError: If the run is not on one of Meta-World's benchmarks.
        RecordError: If the folder is no checkpoint, or the run has no records of its test tasks there.
    """
    plan, steps = read_plan(folder)
    if not plan.cell.suite.startswith("manipulation/ml"):
        raise ConfigError(f"{folder} was trained on {plan.cell.suite}; expected one of Meta-World's: manipulation/ml*.")
    shape = _ML1 if plan.cell.suite.startswith("manipulation/ml1-") else _SEVERAL
    rows = _last_shot(folder.resolve().parent.parent, steps)
    found = {
        "protocol": plan.cell.protocol,
        "suite": plan.cell.suite,
        "agent": plan.cell.agent,
        "seed": plan.cell.seed,
        "steps": steps,
        "unbiased": unbiased(rows, plan.suite),
        "unbiased_shared": unbiased(shared(rows, shape), plan.suite),
    }
    envs = library_envs(plan.suite, shape)
    rng = seeding.generator("legacy evaluation", *plan.key, steps)
    agent: Any = LibraryAgent(load_agent(folder, plan), envs, rng)
    with simulator_warnings(None):
        success, _, by_kind = metalearning_evaluation(
            agent, agent.envs, shape.goals // shape.envs, 1, _ADAPTATION_EPISODES, _EVALUATION_EPISODES
        )
    envs.close()
    found["legacy"] = {
        "success": success,
        "by_kind": {kind.removesuffix("-v3"): float(value) for kind, value in by_kind.items()},
        "adaptation_episodes": _ADAPTATION_EPISODES,
        "goals": shape.goals * len(by_kind),
    }
    return found


def _last_shot(run: Path, steps: int) -> pd.DataFrame:
    """Returns the evaluation episodes of test tasks at the highest shot that the run's meta-test recorded."""
    rows = load_results(run)
    rows = rows[(rows["split"] == "test") & (rows["checkpoint_steps"] == steps) & (rows["phase"] == "evaluation")]
    if rows.empty:
        raise RecordError(f"{run} has no records of test tasks at {steps} steps; expected a run that is tested there.")
    last: pd.DataFrame = rows[rows["shot"] == rows["shot"].max()]
    return last


def shared(rows: pd.DataFrame, shape: Shape) -> pd.DataFrame:
    """Returns the episodes whose goals are among those that Meta-World's evaluation plays."""
    found: pd.DataFrame = rows[rows["task"] % GOALS_PER_KIND < shape.goals]
    return found


def unbiased(rows: pd.DataFrame, suite: Suite) -> dict[str, Any]:
    """Returns the share of episodes with success, of all and of each kind; None where there are no episodes."""
    kinds = [goal_of(suite.spec, task)[0] for task in suite.tasks("test")]
    by_kind = rows.groupby(rows["task"].map(kinds.__getitem__))["success"].mean()
    return {
        "success": None if rows.empty else float(rows["success"].mean()),
        "by_kind": {str(kind): float(value) for kind, value in by_kind.items()},
        "adaptation_episodes": None if rows.empty else int(rows["shot"].iloc[0]),
        "goals": int(rows["task"].nunique()),
    }


def _table(found: dict[str, Any]) -> list[tuple[str, ...]]:
    """Returns a line for each kind, one for all, and what they are of."""
    parts = [found[name] for name in _PARTS]
    rows = [(kind, *(_share(part["by_kind"].get(kind)) for part in parts)) for kind in sorted(parts[0]["by_kind"])]
    rows.append(("all", *(_share(part["success"]) for part in parts)))
    return rows + [
        (name.replace("_", " "), *("-" if part[name] is None else str(part[name]) for part in parts))
        for name in ("adaptation_episodes", "goals")
    ]


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _heading(found: dict[str, Any]) -> str:
    run = f"{found['agent']} on {found['suite']}, seed {found['seed']}"
    return f"{run}, {found['steps']:,} steps ({found['protocol']})"


def _write(folder: Path, found: dict[str, Any]) -> None:
    """Writes the result as JSON and as a table in Markdown, named by what it is of."""
    name = f"legacy-{found['suite'].rpartition('/')[2]}-{found['agent']}-seed-{found['seed']}-{found['steps']}"
    command = "python -m metarl_suites.manipulation.legacy"
    content = found | {"command": command, "machine": fingerprint.machine()}
    write_atomically(folder / f"{name}.json", json.dumps(content, indent=2, sort_keys=True) + "\n")
    lines = [f"# {_heading(found)}", "", "| " + " | ".join(_HEADER) + " |", "|" + "---|" * len(_HEADER)]
    lines += ["| " + " | ".join(row) + " |" for row in _table(found)]
    lines += ["", f"{_TITLE}.", f"Written by `{command}`.", ""]
    write_atomically(folder / f"{name}.md", "\n".join(lines))


def main() -> int:
    """Writes the numbers to standard output, and into a folder where asked to."""
    parser = argparse.ArgumentParser(prog="python -m metarl_suites.manipulation.legacy", description=__doc__)
    parser.add_argument("checkpoint", type=Path, help="checkpoints/<steps> of a run")
    parser.add_argument("--out", type=Path, help="a folder for the result as JSON and Markdown")
    options = parser.parse_args()
    if options.out is not None:
        prepare_folder(options.out)
    found = legacy(options.checkpoint)
    say(_heading(found))
    show_table(_TITLE, _HEADER, _table(found))
    if options.out is not None:
        _write(options.out, found)
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
