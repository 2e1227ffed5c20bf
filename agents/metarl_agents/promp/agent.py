"""ProMP: several clipped steps on one batch, while the initialisation stays near the one that explored."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from typing_extensions import override

from metarl_agents.common.gradient.adam import AdamAgent
from metarl_agents.common.gradient.episodes import TaskBatch
from metarl_agents.common.gradient.inner import ratios
from metarl_agents.common.gradient.policy import divergence, for_tasks
from metarl_agents.common.stacked import Weights
from metarl_agents.promp.config import PrompConfig


class Promp(AdamAgent):
    """Maximises equation 12 of the paper by Adam."""

    config: PrompConfig

    @override
    def improve(self, before: TaskBatch, after: TaskBatch, returns: NDArray[np.float64]) -> dict[str, float]:
        # Adam changes weights in place, so the ones that explored must be copies.
        explored = {name: weight.detach().clone() for name, weight in self.weights.items()}
        for _ in range(self.config.epochs):
            adapted = self.adapted(before, differentiable=True)
            moved = self._moved(explored, before)
            gain = self._clipped(adapted, after) - self.config.kl_weight * moved
            self.optimiser.zero_grad()
            (-gain).backward()  # type: ignore[no-untyped-call]
            self.optimiser.step()
        return {"gain": float(gain.detach()), "kl": float(moved.detach())}

    def _clipped(self, adapted: Weights, after: TaskBatch) -> Tensor:
        """Returns the clipped surrogate of the adapted policies, a mean over the tasks."""
        ratio = ratios(self.policy, adapted, after)
        near = ratio.clamp(1 - self.config.clip, 1 + self.config.clip)
        lower = torch.minimum(ratio * after.advantages, near * after.advantages)
        return (after.share * lower).sum(dim=-1).mean()

    def _moved(self, explored: Weights, before: TaskBatch) -> Tensor:
        """Returns the KL divergence from the initialisation that explored, a mean over what it saw."""
        tasks = len(before.share)
        rows = divergence(self.policy, for_tasks(explored, tasks), self.shared(tasks), before.observations)
        return (before.share * rows).sum(dim=-1).mean()
