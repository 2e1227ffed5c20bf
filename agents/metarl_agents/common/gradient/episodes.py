"""Episodes of several tasks, and what gradient steps see of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from metarl_agents.common.gradient.baseline import generalised_advantages
from metarl_agents.common.gradient.policy import GaussianPolicy
from metarl_agents.common.stacked import Weights

Floats = NDArray[np.floating[Any]]


class Episodes(NamedTuple):
    """Episodes, padded to one length; leading axes [tasks, episodes, steps].

    Attributes:
        observations: Normalised [..., observation].
        actions: As sampled, before clipping [..., action].
        rewards: Raw.
        active: Whether the step was taken; False from the end of an episode on.
    """

    observations: NDArray[np.float32]
    actions: NDArray[np.float32]
    rewards: NDArray[np.float64]
    active: NDArray[np.bool_]

    @classmethod
    def of_worlds(cls, steps: Sequence[Sequence[NDArray[Any]]], *, tasks: int) -> Episodes:
        """Returns one episode of each world.

        Args:
            steps: Observations, actions, rewards and activity of all worlds, step by step.
            tasks: The worlds' tasks; those of one task follow each other.
        """
        parts: list[NDArray[Any]] = [np.stack(part) for part in zip(*steps, strict=True)]
        return cls(*(np.swapaxes(part, 0, 1).reshape(tasks, -1, len(part), *part.shape[2:]) for part in parts))

    @classmethod
    def joined(cls, several: Sequence[Episodes]) -> Episodes:
        """Returns the episodes of several objects; the tasks are the same in all, shorter ones are padded."""
        longest = max(episodes.active.shape[2] for episodes in several)
        parts: list[Any] = [
            np.concatenate([_padded(array, longest) for array in arrays], axis=1)
            for arrays in zip(*several, strict=True)
        ]
        return cls(*parts)

    @property
    def returns(self) -> NDArray[np.float64]:
        """Undiscounted, a mean over the episodes of each task [tasks]."""
        total: NDArray[np.float64] = np.where(self.active, self.rewards, 0.0).sum(axis=2).mean(axis=1)
        return total


class TaskBatch(NamedTuple):
    """Steps of several tasks, flat; leading axes [tasks, rows].

    Attributes:
        observations: Normalised [..., observation].
        actions: As sampled [..., action].
        advantages: With mean 0 and variance 1 within each task.
        share: Of each row in its task's mean; 0 for padding.
        log_density: Of the actions under the policy that took them.
    """

    observations: Tensor
    actions: Tensor
    advantages: Tensor
    share: Tensor
    log_density: Tensor

    def thinned(self, stride: int) -> TaskBatch:
        """Returns every so many-th row of each task."""
        kept = TaskBatch(*(part[:, ::stride] for part in self))
        return kept._replace(share=kept.share / kept.share.sum(dim=1, keepdim=True).clamp(min=1e-12))

    @classmethod
    def of(
        cls, episodes: Episodes, policy: GaussianPolicy, acted: Weights, *, discount: float, decay: float
    ) -> TaskBatch:
        """Returns the rows of some episodes.

        Args:
            episodes: Of each task.
            policy: Who acted.
            acted: With these weights, a set for each task.
            discount: Of the return, per step.
            decay: Lambda of the advantage estimates.
        """
        tasks = len(episodes.active)
        share = episodes.active / episodes.active.sum(axis=(1, 2), keepdims=True)
        advantages = generalised_advantages(episodes.observations, episodes.rewards, episodes.active, discount, decay)
        advantages -= (share * advantages).sum(axis=(1, 2), keepdims=True)
        advantages /= np.sqrt((share * advantages**2).sum(axis=(1, 2), keepdims=True)) + 1e-8
        dtype = acted["log_std"].dtype

        def rows(array: Floats) -> Tensor:
            return torch.from_numpy(array.reshape(tasks, -1, *array.shape[3:])).to(dtype)

        observations, actions = rows(episodes.observations), rows(episodes.actions)
        with torch.no_grad():
            log_density = policy.log_density(acted, observations, actions)
        return cls(observations, actions, rows(advantages), rows(share), log_density)


def _padded(array: NDArray[Any], steps: int) -> NDArray[Any]:
    missing = steps - array.shape[2]
    return np.pad(array, [(0, 0), (0, 0), (0, missing), *[(0, 0)] * (array.ndim - 3)])
