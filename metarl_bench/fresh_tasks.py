"""Whether a trained agent is as good on tasks that nobody can have seen as it was on the frozen test list.

The test lists are public, so weights could have been trained on them. An agent that was scores clearly worse on tasks
drawn from the same distribution after its weights were handed in.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from metarl_bench import seeding
from metarl_bench.agents import MetaAgent
from metarl_bench.cells import Plan
from metarl_bench.checkpoints import load_agent, test_split
from metarl_bench.configs import config_digest
from metarl_bench.errors import BenchError, RecordError
from metarl_bench.records import MANIFEST, Manifest, load_results, read_manifest
from metarl_bench.scores import SeedScore, score_run
from metarl_bench.simulator_log import simulator_warnings
from metarl_bench.statistics import permutation_p_value, smallest_p_value
from metarl_bench.storage import SEAL, digest
from metarl_bench.tasks import Suite, Task

# Per run, so strict: many runs are looked at, and a false accusation is worse than a row that is looked at twice.
SIGNIFICANT = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Rerun:
    """One trained agent on the frozen list and on fresh tasks.

    Attributes:
        folder: Its run folder.
        recorded: Its score on the frozen list, as recorded.
        fresh: Its score on the fresh tasks.
        tasks: How many there are of either.
        trials: Of each task.
        p_value: Of a two-sided permutation test of the difference, over tasks.
    """

    folder: Path
    recorded: float
    fresh: float
    tasks: int
    trials: int
    p_value: float

    @property
    def difference(self) -> float:
        """Score on the fresh tasks minus recorded score."""
        return self.fresh - self.recorded

    @property
    def flagged(self) -> bool:
        """Whether it is clearly worse on fresh tasks."""
        return self.p_value < SIGNIFICANT and self.difference < 0


def rerun(folder: Path, *, seed: int, num_threads: int = 0) -> Rerun:
    """Meta-tests the weights of a complete run on fresh tasks, by the rules that it was tested by.

    Args:
        folder: The run folder.
        seed: Names the fresh tasks: the same for all agents of a suite.
        num_threads: Physics threads; 0 takes one per core. Results do not depend on it.

    Raises:
        BenchError: If it cannot be checked: an unknown agent or suite, other rules, no sound weights, too few tasks, or
            no tasks but those that were trained on.
    """
    manifest = read_manifest(folder)
    if manifest.status != "complete":
        raise RecordError(f"The run is {manifest.status}; expected a complete one, which has a final meta-test.")
    plan = Plan.of_run(manifest)
    if plan.resolved.trains_on == "each-task":
        raise RecordError(
            f"{manifest.protocol} trains an agent on each test task; expected a protocol whose agents have not seen "
            "their test tasks, which alone can be compared with fresh ones."
        )
    split = plan.resolved.primary_split
    count = len(plan.resolved.tasks(split))
    tasks = fresh_tasks(plan.suite, count, seed=seed)
    if smallest_p_value(count, count) >= SIGNIFICANT:
        raise RecordError(
            f"{count} tasks against {count} have no p-value below {smallest_p_value(count, count):.2g}; expected more "
            f"tasks, so that one below {SIGNIFICANT} is possible. Such a list is too short for this check."
        )
    recorded = score_run(load_results(folder), plan.resolved.covers())
    fresh = _meta_test(_weights(folder, manifest), plan, tasks, num_threads)
    rng = seeding.generator("rerun", seed, manifest.suite, manifest.agent, manifest.seed)
    return Rerun(
        folder=folder,
        recorded=recorded.score,
        fresh=fresh.score,
        tasks=count,
        trials=plan.resolved.trials_per_task(split),
        p_value=permutation_p_value(fresh.by_task, recorded.by_task, rng=rng),
    )


def fresh_tasks(suite: Suite, count: int, *, seed: int) -> list[Task]:
    """Returns tasks from a suite's training distribution; a pure function of the suite and the seed.

    Raises:
        RecordError: If the distribution is finite: the agent was trained on all that it could give.
    """
    if suite.spec.finite_tasks is not None:
        raise RecordError(
            f"{suite.spec.id} has {suite.spec.finite_tasks} training tasks and no others; expected a suite with "
            "endless ones: all that it can draw are tasks that agents were trained on. Compare the row with fresh "
            "seeds instead: metarl-bench reproduce"
        )
    drawn = suite.sample_tasks(count, seeding.generator("fresh tasks", suite.spec.id, seed))
    return [dataclasses.replace(task, index=index) for index, task in enumerate(drawn)]


def _weights(folder: Path, manifest: Manifest) -> Path:
    """Returns the folder of the final checkpoint, which must be the one that the manifest names by its checksum."""
    name = f"checkpoints/{manifest.budget}"
    if not (folder / name / SEAL).is_file():
        raise RecordError(f"It holds no weights in {name}; expected those of the final checkpoint. Ask for them.")
    if digest(folder / name / SEAL) != manifest.checksums.get(name):
        raise RecordError(f"{name} does not match its checksum in {MANIFEST}; expected the weights that were tested.")
    return folder / name


def _meta_test(weights: Path, plan: Plan, tasks: list[Task], num_threads: int) -> SeedScore:
    import pandas as pd

    split = plan.resolved.primary_split
    plan = dataclasses.replace(plan, resolved=plan.resolved.with_tasks(split, tasks))
    steps = plan.resolved.budget
    with simulator_warnings(None):
        found = test_split(_load(weights, plan), plan, split, steps=steps, num_threads=num_threads)
    if found.errors:
        # Its failed episodes would look like a memorised test list.
        raise RecordError(f"{plan.cell.agent} raised on fresh tasks: {found.errors[0].strip().splitlines()[-1]}")
    named = {name: getattr(plan.cell, name) for name in ("protocol", "suite", "agent", "seed")}
    named |= {"digest": plan.resolved.digest(), "config_digest": config_digest(plan.config)}
    named |= {"root": str(weights), "division": plan.spec.division, "checkpoint_steps": steps}
    return score_run(pd.DataFrame(found.rows).assign(**named), plan.resolved.covers())


def _load(weights: Path, plan: Plan) -> MetaAgent:
    try:
        return load_agent(weights, plan)
    except BenchError:
        raise
    except Exception as error:  # what agents raise at weights that somebody else wrote is not ours to know
        raise RecordError(f"{plan.cell.agent} cannot load {weights}: {error!r}; expected its own weights.") from error
