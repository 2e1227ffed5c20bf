"""The legacy number: Meta-World's own evaluation of an agent, beside the unbiased success of the run's records.

Published numbers of Meta-World come from its ``metaworld.evaluation``, which reports too much (the card of the suites
says why). So that they can be compared, this runs it on a trained agent, in Meta-World's own environments::

    python -m metarl_suites.manipulation.legacy runs/paper/metaworld-ml10-v1/.../checkpoints/20000000
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

import metaworld
from metaworld.evaluation import metalearning_evaluation

from metarl_bench import seeding
from metarl_bench.checkpoints import load_agent, read_plan
from metarl_bench.cli.text import say, show_table
from metarl_bench.commands import run_command
from metarl_bench.errors import ConfigError, RecordError
from metarl_bench.records import load_results
from metarl_bench.simulator_log import simulator_warnings
from metarl_bench.storage import prepare_file, write_atomically
from metarl_bench.tasks import Suite
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
_TITLE = "Success by kind: legacy is Meta-World's own evaluation, unbiased has one record an episode"


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
        ``legacy`` and ``unbiased``, each with ``success`` and ``by_kind``, and what they are of.

    Raises:
        ConfigError: If the run is not on one of Meta-World's benchmarks.
        RecordError: If the folder is no checkpoint, or the run has no records of its test tasks there.
    """
    plan, steps = read_plan(folder)
    if not plan.cell.suite.startswith("manipulation/ml"):
        raise ConfigError(f"{folder} was trained on {plan.cell.suite}; expected one of Meta-World's: manipulation/ml*.")
    found = {
        "protocol": plan.cell.protocol,
        "suite": plan.cell.suite,
        "agent": plan.cell.agent,
        "seed": plan.cell.seed,
        "steps": steps,
        "unbiased": _unbiased(folder.resolve().parent.parent, plan.suite, steps),
    }
    shape = _ML1 if plan.cell.suite.startswith("manipulation/ml1-") else _SEVERAL
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
    }
    return found


def _unbiased(run: Path, suite: Suite, steps: int) -> dict[str, Any]:
    """Returns the success at the highest shot that the run's meta-test recorded."""
    rows = load_results(run)
    rows = rows[(rows["split"] == "test") & (rows["checkpoint_steps"] == steps) & (rows["phase"] == "evaluation")]
    if rows.empty:
        raise RecordError(f"{run} has no records of test tasks at {steps} steps; expected a run that is tested there.")
    rows = rows[rows["shot"] == rows["shot"].max()]
    kinds = [goal_of(suite.spec, task)[0] for task in suite.tasks("test")]
    by_kind = rows.groupby(rows["task"].map(kinds.__getitem__))["success"].mean()
    return {
        "success": float(rows["success"].mean()),
        "by_kind": {str(kind): float(value) for kind, value in by_kind.items()},
        "adaptation_episodes": int(rows["shot"].iloc[0]),
    }


def main() -> int:
    """Writes both numbers to standard output, and as JSON where asked to."""
    parser = argparse.ArgumentParser(prog="python -m metarl_suites.manipulation.legacy", description=__doc__)
    parser.add_argument("checkpoint", type=Path, help="checkpoints/<steps> of a run")
    parser.add_argument("--out", type=Path, help="a JSON file for the result")
    options = parser.parse_args()
    if options.out is not None:
        prepare_file(options.out)
    found = legacy(options.checkpoint)
    both = found["legacy"], found["unbiased"]
    say(f"{found['agent']} on {found['suite']}, seed {found['seed']}, {found['steps']:,} steps ({found['protocol']})")
    rows = [(kind, *(f"{part['by_kind'][kind]:.3f}" for part in both)) for kind in sorted(both[0]["by_kind"])]
    rows.append(("all", *(f"{part['success']:.3f}" for part in both)))
    rows.append(("adaptation episodes", *(str(part["adaptation_episodes"]) for part in both)))
    show_table(_TITLE, ("kind", "legacy", "unbiased"), rows)
    if options.out is not None:
        write_atomically(options.out, json.dumps(found, indent=2, sort_keys=True) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
