"""A small sound agent that learns, and variants of it that break one rule each."""

from __future__ import annotations

import copy
import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from metarl_bench.agents import Adaptation, AgentSpec, MetaAgent, Transition, TrialShape
from metarl_bench.metering import TrainingGround
from metarl_bench.tasks import SuiteSpec

BATCH = 8


@dataclass(frozen=True)
class NoConfig:
    pass


class Sound(MetaAgent):
    """Learns one number, remembers rewards within a trial, and acts with noise."""

    def __init__(self, suite: SuiteSpec, trial: TrialShape, config: NoConfig, rng: np.random.Generator) -> None:
        self._shape = suite.action_space.shape
        self._horizon = suite.horizon
        self._weight = float(rng.normal())

    def meta_train(self, ground: TrainingGround, *, until: int, rng: np.random.Generator) -> None:
        worlds = ground.make_worlds(BATCH)
        while self.goes_on(ground, until):
            worlds.set_tasks(ground.sample_tasks(BATCH))
            worlds.reset()
            for _ in range(self._horizon):
                _, rewards, *_ = worlds.step(rng.uniform(-1.0, 1.0, (BATCH, *self._shape)))
                self._weight += 0.001 * float(rewards.mean())

    def goes_on(self, ground: TrainingGround, until: int) -> bool:
        return ground.steps + BATCH * self._horizon <= until

    def start_trials(self, num_worlds: int, *, rng: np.random.Generator, privileged: Any = None) -> SoundAdaptation:
        return SoundAdaptation(self._weight, np.zeros(num_worlds), self._shape, rng)

    def save(self, folder: Path) -> None:
        (folder / "weights.json").write_text(json.dumps(self._weight))

    def load(self, folder: Path) -> None:
        self._weight = json.loads((folder / "weights.json").read_text())


class SoundAdaptation(Adaptation):
    def __init__(self, weight: float, memory: np.ndarray, shape: tuple[int, ...], rng: np.random.Generator) -> None:
        self.weight = weight
        self.memory = memory
        self.shape = shape
        self.rng = rng

    def act(self, observations: Any, *, active: Any, explore: bool) -> Any:
        steady = np.tanh(self.weight * observations + self.memory[:, None])
        return steady + self.noise(active) if explore else steady

    def noise(self, active: Any) -> np.ndarray:
        return 0.1 * self.rng.normal(size=(len(active), *self.shape))

    def observe(self, transition: Transition) -> None:
        self.memory += 0.1 * np.where(transition.active, transition.reward - self.memory, 0.0)


class Overshoots(Sound):
    def goes_on(self, ground: TrainingGround, until: int) -> bool:
        return ground.steps < until


class NeverTrains(Sound):
    def meta_train(self, ground: TrainingGround, *, until: int, rng: np.random.Generator) -> None:
        ground.sample_tasks(1)


class TrainsFromEntropy(Sound):
    def meta_train(self, ground: TrainingGround, *, until: int, rng: np.random.Generator) -> None:
        super().meta_train(ground, until=until, rng=rng)
        self._weight += float(np.random.default_rng().normal())


class ForgetsToSave(Sound):
    def save(self, folder: Path) -> None:
        (folder / "weights.json").write_text("0.5")


class Pickles(Sound):
    def save(self, folder: Path) -> None:
        super().save(folder)
        torch.save({"weight": self._weight}, folder / "weights.pt")


class KeepsStateAcrossTrials(Sound):
    """Its trials share one memory."""

    def __init__(self, suite: SuiteSpec, trial: TrialShape, config: NoConfig, rng: np.random.Generator) -> None:
        super().__init__(suite, trial, config, rng)
        self._memories: dict[int, np.ndarray] = {}

    def start_trials(self, num_worlds: int, *, rng: np.random.Generator, privileged: Any = None) -> SoundAdaptation:
        memory = self._memories.setdefault(num_worlds, np.zeros(num_worlds))
        return SoundAdaptation(self._weight, memory, self._shape, rng)


class FailsInOtherBatchSizes(Sound):
    def start_trials(self, num_worlds: int, *, rng: np.random.Generator, privileged: Any = None) -> SoundAdaptation:
        if num_worlds != 4:
            raise RuntimeError("four worlds, please")
        return super().start_trials(num_worlds, rng=rng)


class UsesNumpyState(Sound):
    def meta_train(self, ground: TrainingGround, *, until: int, rng: np.random.Generator) -> None:
        np.random.random()  # noqa: NPY002
        super().meta_train(ground, until=until, rng=rng)


class UsesTorchState(Sound):
    def __init__(self, suite: SuiteSpec, trial: TrialShape, config: NoConfig, rng: np.random.Generator) -> None:
        torch.nn.Linear(2, 2)
        super().__init__(suite, trial, config, rng)


class WithAdaptation(Sound):
    """Sound training, and another adaptation."""

    adaptation: type[SoundAdaptation]

    def start_trials(self, num_worlds: int, *, rng: np.random.Generator, privileged: Any = None) -> SoundAdaptation:
        return self.adaptation(self._weight, np.zeros(num_worlds), self._shape, rng)


class UsesPythonState(WithAdaptation):
    class adaptation(SoundAdaptation):  # noqa: N801
        def observe(self, transition: Transition) -> None:
            random.random()
            super().observe(transition)


class PoolsOverWorlds(WithAdaptation):
    class adaptation(SoundAdaptation):  # noqa: N801
        def act(self, observations: Any, *, active: Any, explore: bool) -> Any:
            return super().act(observations, active=active, explore=explore) + 0.01 * self.memory.mean()


class DrawsForRunningWorldsOnly(WithAdaptation):
    class adaptation(SoundAdaptation):  # noqa: N801
        def noise(self, active: Any) -> np.ndarray:
            noise = np.zeros((len(active), *self.shape))
            noise[active] = 0.1 * self.rng.normal(size=(active.sum(), *self.shape))
            return noise


class ForkSharesMemory(WithAdaptation):
    class adaptation(SoundAdaptation):  # noqa: N801
        def fork(self) -> SoundAdaptation:
            return SoundAdaptation(self.weight, self.memory, self.shape, copy.deepcopy(self.rng))


class ForkSharesTheStream(WithAdaptation):
    class adaptation(SoundAdaptation):  # noqa: N801
        def act(self, observations: Any, *, active: Any, explore: bool) -> Any:
            return super().act(observations, active=active, explore=True)

        def fork(self) -> Adaptation:
            return type(self)(self.weight, self.memory.copy(), self.shape, self.rng)


class ActsNotANumber(WithAdaptation):
    class adaptation(SoundAdaptation):  # noqa: N801
        def act(self, observations: Any, *, active: Any, explore: bool) -> Any:
            actions = super().act(observations, active=active, explore=explore)
            actions[0] = actions[0] if explore else np.nan
            return actions


class Deterministic(Sound):
    """Sound, and the same for every seed."""

    def __init__(self, suite: SuiteSpec, trial: TrialShape, config: NoConfig, rng: np.random.Generator) -> None:
        super().__init__(suite, trial, config, rng)
        self._weight = 0.5

    def meta_train(self, ground: TrainingGround, *, until: int, rng: np.random.Generator) -> None:
        pass

    def start_trials(self, num_worlds: int, *, rng: np.random.Generator, privileged: Any = None) -> SoundAdaptation:
        return super().start_trials(num_worlds, rng=np.random.default_rng(0))


def spec_of(agent: type[MetaAgent]) -> AgentSpec:
    """Returns the declaration of one of these agents."""
    return AgentSpec(
        id=agent.__name__.lower(),
        kind="reference",
        summary="for tests",
        factory=f"{__name__}:{agent.__name__}",
        config=f"{__name__}:NoConfig",
    )
