"""The random agent."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from metarl_agents.random_policy.config import RandomConfig
from metarl_bench.agents import Adaptation, MetaAgent, TrialShape
from metarl_bench.metering import TrainingGround
from metarl_bench.tasks import SuiteSpec


class RandomAgent(MetaAgent):
    """Draws every action uniformly from the action space."""

    def __init__(self, suite: SuiteSpec, trial: TrialShape, config: RandomConfig, rng: np.random.Generator) -> None:
        self._low = suite.action_space.low.astype(np.float64)
        self._high = suite.action_space.high.astype(np.float64)

    @override
    def meta_train(self, ground: TrainingGround, *, until: int, rng: np.random.Generator) -> None:
        """Returns at once: there is nothing to learn."""

    @override
    def start_trials(
        self, num_worlds: int, *, rng: np.random.Generator, privileged: NDArray[np.float64] | None = None
    ) -> RandomAdaptation:
        return RandomAdaptation(self._low, self._high, rng)

    @override
    def save(self, folder: Path) -> None:
        """Writes nothing: there are no weights."""

    @override
    def load(self, folder: Path) -> None:
        """Reads nothing: there are no weights."""


class RandomAdaptation(Adaptation):
    """The state of a batch of trials: nothing but the stream of random numbers."""

    def __init__(self, low: NDArray[np.float64], high: NDArray[np.float64], rng: np.random.Generator) -> None:
        self._low = low
        self._high = high
        self._rng = rng

    @override
    def act(
        self, observations: NDArray[np.float32], *, active: NDArray[np.bool_], explore: bool
    ) -> NDArray[np.float64]:
        # Drawn for all worlds, also those that have ended: a world's actions then never depend on its neighbours.
        return self._rng.uniform(self._low, self._high, (len(observations), *self._low.shape))
