"""Learners from scratch: for each task of the meta-test an agent of its own, which trains on that task alone.

Together they are one ``MetaAgent``, so that training, save points, checkpoints and meta-tests of such a cell go the way
of all others. No learner sees anything of another one: each has its own ground, budget, streams of random numbers,
folder, and worlds of the meta-test.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from metarl_bench.agents import Adaptation, MetaAgent, Phase, Transition
from metarl_bench.errors import ContractError
from metarl_bench.metering import TrainingGround
from metarl_bench.tasks import Split, Suite, Task
from metarl_bench.worlds import Worlds

STEPS = "steps.json"


@dataclass(frozen=True, kw_only=True)
class OneTaskSuite(Suite):
    """A suite whose training distribution is one task, and that has no other tasks."""

    whole: Suite
    only: Task

    @classmethod
    def of(cls, whole: Suite, task: Task) -> OneTaskSuite:
        """Returns the suite of one task of another suite, which learners know as the only one."""
        spec = dataclasses.replace(whole.spec, finite_tasks=1)
        return cls(spec=spec, whole=whole, only=dataclasses.replace(task, split="train", index=0))

    @override
    def sample_tasks(self, count: int, rng: np.random.Generator) -> list[Task]:
        return [self.only] * count

    @override
    def tasks(self, split: Split) -> tuple[Task, ...]:
        return (self.only,) if split == "train" else ()

    @override
    def make_worlds(self, num_worlds: int, *, num_threads: int = 0) -> Worlds:
        return self.whole.make_worlds(num_worlds, num_threads=num_threads)


class ScratchGround(TrainingGround):
    """Counts the steps of all learners of a cell, and opens each learner's ground; no learner sees it.

    Attributes:
        steps: Taken by all learners.
        budget: Of each learner.
        until: Steps of each learner at which the current segment ends.
    """

    def __init__(self, suite: Suite, tasks: Sequence[Task], **options: Any) -> None:
        """Prepares a segment.

        Args:
            suite: Of all tasks.
            tasks: One for each learner.
            options: As for ``TrainingGround``.
        """
        super().__init__(suite, **options)
        self._suites = [OneTaskSuite.of(suite, task) for task in tasks]
        self._options = options

    def of_learner(self, place: int, *, steps: int) -> TrainingGround:
        """Returns the ground of one learner, which holds its task alone.

        Args:
            place: Of its task.
            steps: That it has taken so far.
        """
        others = self.steps - steps

        def count(own: int) -> None:
            self.steps = others + own
            self._on_steps(self.steps)

        private = {"key": (*self._key, "learner", place), "steps": steps, "issued": 0, "on_steps": count}
        return TrainingGround(self._suites[place], **self._options | private)


class ScratchLearners(MetaAgent):
    """One agent for each task of the meta-test."""

    def __init__(self, agents: Sequence[MetaAgent]) -> None:
        self._agents = tuple(agents)
        self._steps = [0] * len(agents)

    @override
    def meta_train(self, ground: TrainingGround, *, until: int, rng: np.random.Generator) -> None:
        """Trains each learner until it has taken ``until`` steps, one after the other."""
        if not isinstance(ground, ScratchGround):
            raise ContractError(f"Learners from scratch got a {type(ground).__name__}; expected a ScratchGround.")
        for place, (agent, stream) in enumerate(zip(self._agents, rng.spawn(len(self._agents)), strict=True)):
            with closing(ground.of_learner(place, steps=self._steps[place])) as own:
                agent.meta_train(own, until=until, rng=stream)
                self._steps[place] = own.steps

    @override
    def start_trials(
        self, num_worlds: int, *, rng: np.random.Generator, privileged: NDArray[np.float64] | None = None
    ) -> ScratchTrials:
        """Returns the state of a batch that has the same number of worlds for each task, in the order of the tasks."""
        each, rest = divmod(num_worlds, len(self._agents))
        if rest:
            raise ContractError(f"{len(self._agents)} learners got {num_worlds} worlds; expected a multiple of them.")
        parts = [slice(place * each, (place + 1) * each) for place in range(len(self._agents))]
        trials = [
            agent.start_trials(each, rng=stream, privileged=None if privileged is None else privileged[part])
            for agent, stream, part in zip(self._agents, rng.spawn(len(parts)), parts, strict=True)
        ]
        return ScratchTrials(trials, parts)

    @override
    def save(self, folder: Path) -> None:
        for agent, place in zip(self._agents, self._folders(folder), strict=True):
            place.mkdir()
            agent.save(place)

    @override
    def load(self, folder: Path) -> None:
        for agent, place in zip(self._agents, self._folders(folder), strict=True):
            agent.load(place)

    @override
    def save_training(self, folder: Path) -> None:
        for agent, place in zip(self._agents, self._folders(folder), strict=True):
            place.mkdir()
            agent.save_training(place)
        (folder / STEPS).write_text(json.dumps(self._steps))

    @override
    def load_training(self, folder: Path) -> None:
        for agent, place in zip(self._agents, self._folders(folder), strict=True):
            agent.load_training(place)
        self._steps = json.loads((folder / STEPS).read_text())

    @override
    def training_log(self) -> Mapping[str, float]:
        """Returns the figures of all learners, each named after its learner."""
        return {
            f"learner-{place}/{name}": value
            for place, agent in enumerate(self._agents)
            for name, value in agent.training_log().items()
        }

    def _folders(self, folder: Path) -> Iterator[Path]:
        return (folder / f"learner-{place}" for place in range(len(self._agents)))


class ScratchTrials(Adaptation):
    """Trials of all tasks, each played by its own learner."""

    def __init__(self, trials: Sequence[Adaptation], parts: Sequence[slice]) -> None:
        self._trials = tuple(trials)
        self._parts = tuple(parts)

    @override
    def begin_episode(self, observations: NDArray[np.float32], *, episode: int, phase: Phase) -> None:
        for trial, part in self._each():
            trial.begin_episode(observations[part], episode=episode, phase=phase)

    @override
    def act(
        self, observations: NDArray[np.float32], *, active: NDArray[np.bool_], explore: bool
    ) -> NDArray[np.floating[Any]]:
        actions = [trial.act(observations[part], active=active[part], explore=explore) for trial, part in self._each()]
        return np.concatenate(actions)

    @override
    def observe(self, transition: Transition) -> None:
        for trial, part in self._each():
            trial.observe(Transition._make(array[part] for array in transition))

    @override
    def end_episode(self) -> None:
        for trial in self._trials:
            trial.end_episode()

    @override
    def fork(self) -> ScratchTrials:
        return ScratchTrials([trial.fork() for trial in self._trials], self._parts)

    def _each(self) -> Iterator[tuple[Adaptation, slice]]:
        return zip(self._trials, self._parts, strict=True)
