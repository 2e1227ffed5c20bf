"""A scripted agent for the sparse point robot: sweeps the arc in every episode until it is paid, and stays there."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from metarl_bench.agents import Adaptation, Phase, Transition
from metarl_bench.testing import UntrainedAgent

# m that the largest action moves the point along an axis.
REACH = 0.1
# rad between the corners of the swept path: short of the reach, so that each takes one step.
CORNER = 0.099


class Sweep(UntrainedAgent):
    """Remembers nothing from one episode to the next: what exploration alone can do."""

    @override
    def start_trials(
        self, num_worlds: int, *, rng: np.random.Generator, privileged: NDArray[np.float64] | None = None
    ) -> Adaptation:
        return _SweepInTrial(num_worlds)


class _SweepInTrial(Adaptation):
    def __init__(self, num_worlds: int) -> None:
        angles = np.arange(0, np.pi + CORNER, CORNER)
        self._path = np.stack([np.cos(angles), np.sin(angles)], axis=1)
        self._num_worlds = num_worlds

    @override
    def begin_episode(self, observations: NDArray[np.float32], *, episode: int, phase: Phase) -> None:
        self._corner = np.zeros(self._num_worlds, np.int64)
        self._best = np.zeros(self._num_worlds)
        self._target = np.repeat(self._path[:1], self._num_worlds, axis=0)
        self._found = np.zeros(self._num_worlds, np.bool_)

    @override
    def act(
        self, observations: NDArray[np.float32], *, active: NDArray[np.bool_], explore: bool
    ) -> NDArray[np.float64]:
        return np.clip((self._target - observations) / REACH, -1.0, 1.0)

    @override
    def observe(self, transition: Transition) -> None:
        rewards, positions = transition.reward, transition.next_observation
        # Paid less than before: the best place was one corner back, and there it stays.
        passed = ~self._found & (rewards < self._best)
        self._found |= passed
        self._best = np.maximum(self._best, rewards)
        arrived = np.linalg.norm(self._target - positions, axis=1) < 0.01
        onward = ~self._found & arrived
        self._corner = np.clip(self._corner + onward - passed, 0, len(self._path) - 1)
        self._target = self._path[self._corner]
