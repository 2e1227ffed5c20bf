"""How well the inner step knows its direction: whether steps of one task agree that come of different episodes.

``python -m metarl_agents.common.gradient.agreement RUN [RUN ...]`` prints a line of JSON for each run.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import torch
import tyro
from torch import Tensor

from metarl_agents.common.gradient.agent import GradientAgent
from metarl_agents.common.gradient.collection import play
from metarl_agents.common.gradient.config import GradientConfig
from metarl_agents.common.gradient.episodes import Episodes, TaskBatch
from metarl_agents.common.gradient.inner import adapt
from metarl_agents.common.gradient.policy import detached, for_tasks
from metarl_bench import seeding
from metarl_bench.cells import Plan
from metarl_bench.checkpoints import load_agent
from metarl_bench.commands import run_command
from metarl_bench.errors import ConfigError
from metarl_bench.opening import open_worlds
from metarl_bench.records import read_manifest

# Played in all, as many of each task; what does not fill a set is left out.
EPISODES = 1200


def measure(run: Path, sizes: tuple[int, ...]) -> dict[str, dict[str, float]]:
    """Plays the validation tasks with a run's final initialisation, and steps on disjoint sets of the episodes.

    Args:
        run: Folder of a finished run.
        sizes: Episodes of a set.

    Returns:
        By size, the mean cosine between steps of one task and between steps of different tasks.

    Raises:
        ConfigError: If the run is of an agent that takes no inner steps, or no two sets are possible.
    """
    plan = Plan.of_run(read_manifest(run))
    agent = load_agent(run / "checkpoints" / str(plan.resolved.budget), plan)
    if not isinstance(agent, GradientAgent):
        raise ConfigError(f"{run} is a run of {plan.spec.id}; expected one of an agent that takes inner steps.")
    tasks = plan.suite.tasks("validation")
    each = EPISODES // len(tasks)
    if not sizes or min(sizes) < 1 or 2 * max(sizes) > each:
        raise ConfigError(f"The sets have {sizes} episodes; expected sizes from 1 to {each // 2}.")
    with open_worlds(plan.suite, [task for task in tasks for _ in range(each)], num_threads=0) as worlds:
        worlds.reset(seed=[seeding.world_seed("agreement", world) for world in range(worlds.num_envs)])
        shared = agent.shared(len(tasks))
        episodes, _ = play(worlds, agent.policy, shared, agent.moments, seeding.generator("agreement"))
    found = {}
    for size in sizes:
        same, other = agreement(torch.stack([steps(agent, own, size) for own in _by_task(episodes)]))
        found[f"{size} episodes"] = {"same task": round(same, 3), "other task": round(other, 3)}
    return found


def steps(agent: GradientAgent, episodes: Episodes, size: int) -> Tensor:
    """Returns the inner steps on disjoint sets of one task's episodes [sets, weights].

    Args:
        agent: Whose initialisation played them.
        episodes: Of one task, whose axis is left out [episodes, steps, ...].
        size: Episodes of a set; those left over do not count.
    """
    sets = len(episodes.active) // size
    parts: list[Any] = [part[: sets * size].reshape(sets, size, *part.shape[1:]) for part in episodes]
    initial = detached(for_tasks(dict(agent.weights.items()), sets))
    config: GradientConfig = agent.config
    batch = TaskBatch.of(Episodes(*parts), agent.policy, initial, discount=config.discount, decay=config.decay)
    adapted = adapt(agent.policy, initial, dict(agent.rates.items()), batch, differentiable=False)
    return torch.cat([(adapted[name] - initial[name]).detach().flatten(1) for name in initial], dim=1)


def agreement(found: Tensor) -> tuple[float, float]:
    """Returns mean cosines of steps [tasks, sets, weights]: between sets of one task, and between tasks."""
    units = torch.nn.functional.normalize(found.double(), dim=-1)
    tasks, sets = units.shape[:2]
    # The squared norm of a sum of unit vectors is the sum of all cosines, those of each with itself among them.
    within = float(units.sum(dim=1).square().sum())
    everything = float(units.sum(dim=(0, 1)).square().sum())
    same = (within - tasks * sets) / (tasks * sets * (sets - 1))
    other = (everything - within) / (tasks * (tasks - 1) * sets**2)
    return same, other


def _by_task(episodes: Episodes) -> list[Episodes]:
    several: list[Any] = [[part[task] for part in episodes] for task in range(len(episodes.active))]
    return [Episodes(*parts) for parts in several]


def main(runs: Annotated[tuple[Path, ...], tyro.conf.Positional], sizes: tuple[int, ...] = (2, 20)) -> int:
    """Measures the agreement of inner steps in finished runs.

    Args:
        runs: Run folders of agents that adapt by a gradient step.
        sizes: How many episodes a step is taken on.
    """
    for run in runs:
        print(json.dumps({"run": str(run)} | measure(run, sizes)))  # noqa: T201 - a command's answer
    return 0


if __name__ == "__main__":
    sys.exit(run_command(lambda: tyro.cli(main)))
