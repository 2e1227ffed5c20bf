"""Protocols: the fixed rules of a measurement, resolved for one suite, and the digest that names them.

Two results are comparable if and only if their digests match. No protocol number is a default argument anywhere else.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from metarl_bench import seeding
from metarl_bench.agents import TrialShape
from metarl_bench.errors import ConfigError, UnknownIdError, close_matches
from metarl_bench.tasks import Split, Suite, Task, hash_tasks

Actions = Literal["deterministic", "sampled"]
TrainsOn = Literal["distribution", "each-task"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A number that somebody published, which a protocol measures again.

    Attributes:
        agent: Id of the agent that it was published for.
        steps: Checkpoint that it belongs to.
        score: As the protocol forms it.
        band: A score agrees if it is at most this much lower.
        source: Where it is from, how it was read there, and over how many seeds.
    """

    agent: str
    steps: int
    score: float
    band: float
    source: str

    @property
    def lowest(self) -> float:
        """The lowest score that agrees with what was published."""
        return self.score - self.band


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """The rules of a measurement, before they are resolved for a suite.

    Attributes:
        id: ``name-vN``; a change of numbers needs a new version.
        purpose: One line for lists.
        adaptation_episodes: K; the agent is forked and scored after each k = 0..K of them.
        evaluation_episodes: Episodes played from each fork.
        num_tasks: Tasks of the meta-test, spread evenly over the suite's frozen list (all where it is shorter).
        num_trials: Trials in all; shared equally by the tasks, at least one each.
        checkpoints: Environment steps at which the agent is frozen and meta-tested; those over the budget fall away,
            the budget itself is always one.
        budget: Environment steps of meta-training (of each agent, where there is one for each task); None takes the
            suite's.
        evaluation_actions: Whether evaluation episodes are played with ``explore=False`` or ``explore=True``.
        adaptation_actions: The same for adaptation episodes.
        score: ``last``: the evaluation episodes at the highest shot; ``trial``: the mean over adaptation episodes.
        final_splits: Splits that are meta-tested, beside ``test``, at the last checkpoint only.
        seeds: Seeds that a complete row has.
        trains_on: ``distribution``: one agent learns from the suite's training distribution; ``each-task``: for each
            task of the meta-test an agent of its own learns from that task alone, and is tested on it.
        unit_episodes: Checkpoints and budget are multiples of so many of the suite's episodes; None: single steps.
        suite: The only suite that it is for; None takes every suite.
        published: What it measures again, by rising steps; words, which the digest does not cover.
    """

    id: str
    purpose: str
    adaptation_episodes: int
    evaluation_episodes: int
    num_tasks: int
    num_trials: int
    checkpoints: tuple[int, ...]
    budget: int | None = None
    evaluation_actions: Actions = "deterministic"
    adaptation_actions: Actions = "sampled"
    score: Literal["last", "trial"] = "last"
    final_splits: tuple[Split, ...] = ("train", "test_ood")
    seeds: tuple[int, ...] = tuple(range(10))
    trains_on: TrainsOn = "distribution"
    unit_episodes: int | None = None
    suite: str | None = None
    published: tuple[Published, ...] = ()

    def resolve(self, suite: Suite, *, primary_split: Split = "test") -> ResolvedProtocol:
        """Returns the rules with every number fixed for one suite.

        Args:
            suite: The suite.
            primary_split: ``validation`` for choosing settings; such results have a digest of their own.

        Raises:
            ConfigError: If the protocol is for another suite.
        """
        spec = suite.spec
        if self.suite not in (None, spec.id):
            raise ConfigError(
                f"{self.id} got the suite {spec.id}; expected {self.suite}, for which alone its number was published."
            )
        unit = 1 if self.unit_episodes is None else self.unit_episodes * spec.horizon
        budget = self.budget * unit if self.budget else spec.budget
        splits = (primary_split, *(split for split in self.final_splits if split != primary_split))
        tasks = {split: self._select(suite, split) for split in splits}
        return ResolvedProtocol(
            protocol=self.id,
            suite=spec.id,
            horizon=spec.horizon,
            failure_return=spec.failure_return,
            measure=spec.score,
            budget=budget,
            checkpoints=(*(steps * unit for steps in self.checkpoints if steps * unit < budget), budget),
            adaptation_episodes=self.adaptation_episodes,
            evaluation_episodes=self.evaluation_episodes,
            num_trials=self.num_trials,
            evaluation_actions=self.evaluation_actions,
            adaptation_actions=self.adaptation_actions,
            score=self.score,
            trains_on=self.trains_on,
            primary_split=primary_split,
            task_hashes=tuple((split, hash_tasks(chosen)) for split, chosen in tasks.items() if chosen),
            task_counts=tuple((split, len(chosen)) for split, chosen in tasks.items() if chosen),
            seeds=self.seeds,
            selected=tuple((split, chosen) for split, chosen in tasks.items() if chosen),
        )

    def _select(self, suite: Suite, split: Split) -> tuple[Task, ...]:
        if split == "train" and suite.spec.finite_tasks is None:
            # Its own frozen sample of the training distribution: a pure function of names, the same for every agent.
            rng = seeding.generator("meta-test train tasks", self.id, suite.spec.id)
            return tuple(suite.sample_tasks(self.num_tasks, rng))
        tasks = suite.tasks(split)
        count = min(self.num_tasks, len(tasks))
        return tuple(tasks[(2 * i + 1) * len(tasks) // (2 * count)] for i in range(count))


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedProtocol:
    """A protocol with every number fixed for one suite; ``digest`` covers all fields but ``selected``."""

    protocol: str
    suite: str
    horizon: int
    failure_return: float
    measure: Literal["return", "success"]
    budget: int
    checkpoints: tuple[int, ...]
    adaptation_episodes: int
    evaluation_episodes: int
    num_trials: int
    evaluation_actions: Actions
    score: Literal["last", "trial"]
    primary_split: Split
    task_hashes: tuple[tuple[Split, str], ...]
    task_counts: tuple[tuple[Split, int], ...]
    seeds: tuple[int, ...]
    selected: tuple[tuple[Split, tuple[Task, ...]], ...]
    adaptation_actions: Actions = "sampled"
    trains_on: TrainsOn = "distribution"

    @property
    def learners(self) -> int:
        """Agents that are trained, each with the whole budget."""
        return len(self.tasks(self.primary_split)) if self.trains_on == "each-task" else 1

    @property
    def trial(self) -> TrialShape:
        """The shape of the meta-test's trials."""
        return TrialShape(
            adaptation_episodes=self.adaptation_episodes,
            evaluation_episodes=self.evaluation_episodes,
            horizon=self.horizon,
        )

    @property
    def splits(self) -> tuple[Split, ...]:
        """The splits that have tasks; the first is tested at every checkpoint, the others at the last one."""
        return tuple(split for split, _ in self.selected)

    def tasks(self, split: Split) -> tuple[Task, ...]:
        """Returns the tasks of the meta-test in their order."""
        return dict(self.selected)[split]

    def trials_per_task(self, split: Split) -> int:
        """Returns how many trials each task of a split gets."""
        return max(1, self.num_trials // len(self.tasks(split)))

    def with_tasks(self, split: Split, tasks: Sequence[Task]) -> ResolvedProtocol:
        """Returns the same rules for other tasks of one split; a digest of their own keeps the results apart."""
        selected = tuple((name, tuple(tasks) if name == split else kept) for name, kept in self.selected)
        return dataclasses.replace(
            self,
            task_hashes=tuple((name, hash_tasks(chosen)) for name, chosen in selected),
            task_counts=tuple((name, len(chosen)) for name, chosen in selected),
            selected=selected,
        )

    def covers(self) -> dict[str, Any]:
        """Returns, as JSON types, exactly what the digest covers."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        del values["selected"]
        # These rules are younger than the first results: what those had goes without saying, so that digests stay.
        for name, first in (("adaptation_actions", "sampled"), ("trains_on", "distribution")):
            if values[name] == first:
                del values[name]
        covered: dict[str, Any] = json.loads(json.dumps(values))
        return covered

    def digest(self) -> str:
        """Returns the name of these rules: 16 hexadecimal digits."""
        text = json.dumps(self.covers(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


# Ten thousand to one million in half decades, then doubling.
LADDER = (10_000, 30_000, 100_000, 300_000, 1_000_000, 2_000_000, 4_000_000, 8_000_000, 16_000_000, 32_000_000)

LITE = Protocol(
    id="lite-v1",
    purpose="the leaderboard that a 2-core laptop can reproduce",
    adaptation_episodes=2,
    evaluation_episodes=1,
    num_tasks=30,
    num_trials=60,
    checkpoints=LADDER,
)

# What adaptation competes with: learning the test task itself, from nothing, for as many steps as a trial of lite-v1
# adapts with in the suite (cheetah: 400), and for 10, 100 and 1000 times as many. Checkpoints and budget are those of
# one task's learner; a cell trains one for each task, and counts the steps of all.
SCRATCH = Protocol(
    id="scratch-v1",
    purpose="references that learn each test task from nothing; budget per task",
    adaptation_episodes=0,
    evaluation_episodes=10,
    num_tasks=5,
    num_trials=5,
    checkpoints=(1, 10, 100),
    budget=1_000,
    unit_episodes=LITE.adaptation_episodes,
    trains_on="each-task",
    final_splits=(),
)

ROML_FIGURE = "RoML (Greenberg et al. 2023), figure of the notebook in its RobustMetaRL repository, VariBAD, 30 seeds"

# VariBAD's code scores both online episodes of a trial, played with the policy's mean actions, on tasks of the training
# distribution. So there is nothing to evaluate after them, and a trial has two episodes in training, too.
ROML = Protocol(
    id="paper/roml-cheetah-velocity-v1",
    purpose="RoML's VariBAD on HalfCheetahVel, the first 6.4M steps",
    adaptation_episodes=2,
    evaluation_episodes=0,
    num_tasks=30,
    num_trials=120,
    checkpoints=(3_200_000, 4_800_000),
    budget=6_400_000,
    adaptation_actions="deterministic",
    score="trial",
    final_splits=("train",),
    suite="locomotion/cheetah-velocity-wide-obs20-v1",
    published=tuple(
        Published(agent="varibad", steps=steps, score=score, band=25.0, source=ROML_FIGURE)
        for steps, score in ((3_200_000, -244.0), (4_800_000, -175.0), (6_400_000, -138.0))
    ),
)

LEARN2LEARN_FIGURE = "learn2learn, figure of MAML-TRPO on HalfCheetahForwardBackward, 3 seeds from 50 to 470 at the end"

# Both directions in equal numbers; 20 episodes for the one inner step, and sampled actions after it.
LEARN2LEARN = Protocol(
    id="paper/learn2learn-cheetah-direction-v1",
    purpose="learn2learn's MAML-TRPO on HalfCheetahForwardBackward",
    adaptation_episodes=20,
    evaluation_episodes=4,
    num_tasks=2,
    num_trials=20,
    checkpoints=(8_000_000, 16_000_000),
    budget=24_000_000,
    evaluation_actions="sampled",
    final_splits=("train",),
    suite="locomotion/cheetah-direction-h100-v1",
    published=(
        Published(agent="maml", steps=8_000_000, score=40.0, band=40.0, source=LEARN2LEARN_FIGURE),
        Published(agent="maml", steps=24_000_000, score=260.0, band=210.0, source=LEARN2LEARN_FIGURE),
    ),
)

# Meta-World's evaluation: 40 of the 50 goals of each test kind, 3 episodes each. Its numbers are published as its own
# evaluation counts them, which is not what a score is here (the card of the suites says how they differ): so there is
# none to agree with, and `python -m metarl_suites.manipulation.legacy` gives the one to compare.
METAWORLD = Protocol(
    id="paper/metaworld-ml10-v1",
    purpose="Meta-World's ML10, 20M steps; compare published numbers with its legacy evaluation only",
    adaptation_episodes=10,
    evaluation_episodes=3,
    num_tasks=200,
    num_trials=200,
    checkpoints=(10_000_000,),
    budget=20_000_000,
    final_splits=("train",),
    suite="manipulation/ml10-v1",
)

PROTOCOLS: tuple[Protocol, ...] = (
    LITE,
    dataclasses.replace(
        LITE,
        id="lite-k20-v1",
        purpose="as lite-v1, with 20 adaptation episodes for gradient steps",
        adaptation_episodes=20,
    ),
    dataclasses.replace(
        LITE,
        id="low-data-v1",
        purpose="as lite-v1, with 100,000 steps of training",
        checkpoints=LADDER[:2],
        budget=100_000,
    ),
    dataclasses.replace(
        LITE,
        id="smoke-v1",
        purpose="a run of seconds, for tests",
        adaptation_episodes=1,
        num_tasks=3,
        num_trials=6,
        checkpoints=(4_000,),
        budget=8_000,
        seeds=(0, 1),
    ),
    SCRATCH,
    METAWORLD,
    LEARN2LEARN,
    ROML,
    dataclasses.replace(
        ROML,
        id="paper/roml-cheetah-velocity-30m-v1",
        purpose="the same, all 30M steps",
        checkpoints=(3_200_000, 4_800_000, 6_400_000, 12_000_000, 18_000_000, 24_000_000),
        budget=30_000_000,
        published=(
            *ROML.published,
            Published(agent="varibad", steps=30_000_000, score=-82.0, band=15.0, source=ROML_FIGURE),
        ),
    ),
)


def get_protocol(protocol_id: str) -> Protocol:
    """Returns a protocol by its id.

    Raises:
        UnknownIdError: If there is none; the message names what comes near.
    """
    known = {protocol.id: protocol for protocol in PROTOCOLS}
    if protocol_id not in known:
        raise UnknownIdError(f"Unknown protocol {protocol_id!r}. {close_matches(protocol_id, known)}")
    return known[protocol_id]


def find_published(protocol_id: str, steps: int) -> Published | None:
    """Returns what was published for a checkpoint; None if nothing was, or if this version lacks the protocol."""
    known = (published for protocol in PROTOCOLS if protocol.id == protocol_id for published in protocol.published)
    return next((published for published in known if published.steps == steps), None)
