"""Transitions as an off-policy agent's networks see them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from metarl_agents.common.normalisers import CLIP, RunningMoments
from metarl_agents.common.replay import Columns
from metarl_agents.common.sac import Transitions
from metarl_bench.agents import Transition
from metarl_bench.tasks import SuiteSpec

Floats = NDArray[np.float32]


class TransitionView:
    """Normalises stored transitions; its statistics are frozen at meta-test.

    Attributes:
        columns: Where the parts of a stored row lie.
        evidence: Numbers that an encoder sees of a transition: observation, action, reward, next observation.
        observation_moments: Normalise observations.
        reward_moments: Normalise the rewards that an encoder sees.
    """

    def __init__(self, suite: SuiteSpec) -> None:
        self.columns = Columns.of(suite)
        self.evidence = self.columns.width - 1
        self._low, self._high = suite.action_space.low, suite.action_space.high
        self.observation_moments = RunningMoments(self.columns.observation.stop)
        self.reward_moments = RunningMoments(1)

    def rows(self, transition: Transition) -> Floats:
        """Returns what a step of all worlds adds to a replay [worlds, width]; actions in [-1, 1]."""
        parts = [
            transition.observation,
            self.to_unit(transition.action),
            transition.reward[:, None],
            transition.next_observation,
            transition.terminated[:, None],
        ]
        return np.concatenate(parts, axis=1, dtype=np.float32, casting="unsafe")

    def to_unit(self, actions: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
        """Brings actions from the suite's range to [-1, 1]."""
        return (actions - self._low) * (2 / (self._high - self._low)) - 1

    def from_unit(self, actions: Floats) -> Floats:
        """Brings actions from [-1, 1] to the suite's range."""
        return (self._low + (actions + 1) * ((self._high - self._low) / 2)).astype(np.float32)

    def update(self, rows: Floats) -> None:
        """Takes new rows [rows, width] into the statistics."""
        self.observation_moments.update(rows[:, self.columns.observation])
        self.reward_moments.update(rows[:, self.columns.reward, None])

    def for_learning(self, rows: Tensor) -> Transitions:
        """Returns rows [..., width] as a flat batch; rewards as they are."""
        flat, columns = rows.reshape(-1, rows.shape[-1]), self.columns
        scaled = self._scaled(flat)
        return Transitions(
            observations=scaled[:, columns.observation],
            actions=flat[:, columns.action],
            rewards=flat[:, columns.reward],
            following=scaled[:, columns.following],
            terminated=flat[:, columns.terminated],
        )

    def for_encoder(self, rows: Tensor) -> Tensor:
        """Returns what an encoder sees of rows [..., width]: [..., evidence]."""
        return self._scaled(rows)[..., : self.evidence]

    def _scaled(self, rows: Tensor) -> Tensor:
        observation, reward = self.observation_moments, self.reward_moments
        actions = np.zeros(self.columns.reward - self.columns.observation.stop)
        shift = np.concatenate([observation.mean, actions, reward.mean, observation.mean, [0.0]])
        spread = np.concatenate([observation.variance, actions + 1, reward.variance, observation.variance, [1.0]])
        factor = 1 / np.sqrt(spread + 1e-8)
        return ((rows - _float(shift)) * _float(factor)).clamp(-CLIP, CLIP)


def _float(array: NDArray[np.float64]) -> Tensor:
    return torch.from_numpy(array.astype(np.float32))
