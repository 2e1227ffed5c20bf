"""Whether the learned distances between tasks follow the true ones, on the test tasks of finished runs.

``python -m metarl_agents.metric.distances RUN [RUN ...] --out FOLDER`` writes ``<suite>.json`` and ``<suite>.png``.
"""

from __future__ import annotations

import io
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.stats import spearmanr

from metarl_agents.common.collection import play_cycle
from metarl_agents.metric.agent import Metric
from metarl_bench import fingerprint, seeding
from metarl_bench.cells import Plan
from metarl_bench.checkpoints import load_agent
from metarl_bench.commands import run_command
from metarl_bench.errors import ConfigError
from metarl_bench.opening import open_worlds
from metarl_bench.records import read_manifest
from metarl_bench.storage import prepare_folder, write_atomically
from metarl_bench.tasks import SuiteSpec, Task

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Distances:
    """Distances between the test tasks of one run, [tasks, tasks] each.

    Attributes:
        seed: Of the run.
        learned: Between the points of the tasks, after all adaptation episodes.
        true: Between the parameters, each in units of its training range.
    """

    seed: int
    learned: Matrix
    true: Matrix

    @property
    def rank_correlation(self) -> float:
        """Spearman's, over all pairs of different tasks; NaN where all true distances are equal."""
        pairs = np.triu_indices(len(self.true), k=1)
        return float(spearmanr(self.learned[pairs], self.true[pairs]).statistic)


def measure(run: Path) -> Distances:
    """Plays the adaptation episodes of a run's test tasks with its final weights.

    Raises:
        ConfigError: If it is not a run of this agent.
    """
    manifest = read_manifest(run)
    plan = Plan.of_run(manifest)
    agent = load_agent(run / "checkpoints" / str(plan.resolved.budget), plan)
    if not isinstance(agent, Metric):
        raise ConfigError(f"{run} is a run of {plan.spec.id}; expected one of the agent metric.")
    tasks = plan.resolved.tasks("test")
    points = _points(agent, plan, tasks)
    return Distances(manifest.seed, _between(points), true_distances(plan.suite.spec, tasks))


def true_distances(suite: SuiteSpec, tasks: tuple[Task, ...]) -> Matrix:
    """Returns the Euclidean distances [tasks, tasks] of the parameters, each in units of its training range.

    Kinds are one-hot: two tasks of different kinds are the square root of 2 apart in that parameter.
    """
    ranges: list[float] = []
    for parameter in suite.parameters:
        ranges.extend([1.0] * len(parameter.choices) or [parameter.high - parameter.low])
    return _between(np.array([suite.encode(task) for task in tasks]) / ranges)


def _points(agent: Metric, plan: Plan, tasks: tuple[Task, ...]) -> Matrix:
    """Returns the point of each task [tasks, latent], the mean over its trials."""
    trials = plan.resolved.trials_per_task("test")
    rng = seeding.generator("metric-distances")
    with open_worlds(plan.suite, [task for task in tasks for _ in range(trials)], num_threads=0) as worlds:
        worlds.reset(seed=[seeding.world_seed("metric-distances", world) for world in range(worlds.num_envs)])
        trial = agent.start_trials(worlds.num_envs, rng=rng)
        play_cycle(worlds, trial, agent.view, episodes=plan.resolved.adaptation_episodes, rng=rng)
    points: Matrix = trial.seen.place.numpy().astype(np.float64).reshape(len(tasks), trials, -1).mean(axis=1)
    return points


def _between(points: Matrix) -> Matrix:
    matrix: Matrix = np.linalg.norm(points[:, None] - points[None, :], axis=-1)
    return matrix


def draw(distances: Distances, title: str) -> bytes:
    """Returns a PNG of the learned matrix beside the true one."""
    figure = Figure(figsize=(6.0, 2.8), layout="constrained")
    for place, (name, matrix) in enumerate((("learned", distances.learned), ("true", distances.true))):
        axes = figure.add_subplot(1, 2, place + 1)
        image = axes.imshow(matrix, cmap="viridis")
        axes.set(title=f"{name} distance", xlabel="test task", ylabel="test task")
        figure.colorbar(image, ax=axes)
    figure.suptitle(f"{title}, seed {distances.seed}: rank correlation {distances.rank_correlation:.2f}", fontsize=9)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=150, metadata={"Software": None})
    return buffer.getvalue()


def main(runs: Annotated[tuple[Path, ...], tyro.conf.Positional], out: Path) -> int:
    """Measures and draws the distances of finished runs of one suite.

    Args:
        runs: Run folders, one a seed.
        out: Where the figures go.

    Raises:
        ConfigError: If there are no runs, or not all are of one suite and of this agent.
    """
    suites = sorted({read_manifest(run).suite for run in runs})
    if len(suites) != 1:
        raise ConfigError(f"The runs are of {', '.join(suites) or 'no suite'}; expected run folders of one suite.")
    prepare_folder(out)
    found = [measure(run) for run in runs]
    (suite,) = suites
    name = suite.rpartition("/")[2]
    summary = {
        "suite": suite,
        "command": "python -m metarl_agents.metric.distances",
        "rank_correlation": {f"seed {one.seed}": round(one.rank_correlation, 3) for one in found},
        "machine": fingerprint.machine(),
    }
    write_atomically(out / f"{name}.json", (json.dumps(summary, indent=2) + "\n").encode())
    write_atomically(out / f"{name}.png", draw(found[0], suite))
    print(json.dumps(summary["rank_correlation"]))  # noqa: T201 - a command's answer
    return 0


if __name__ == "__main__":
    sys.exit(run_command(lambda: tyro.cli(main)))
