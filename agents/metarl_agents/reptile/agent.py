"""Reptile: two steps in each task, and a step of the initialisation towards where they led."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from metarl_agents.common.gradient.adam import AdamAgent
from metarl_agents.common.gradient.episodes import TaskBatch
from metarl_agents.common.gradient.inner import adapt
from metarl_agents.common.gradient.policy import detached
from metarl_agents.reptile.config import ReptileConfig


class Reptile(AdamAgent):
    """The second step is taken on the episodes after the first, and Adam takes the mean way back for a gradient."""

    config: ReptileConfig

    @override
    def improve(self, before: TaskBatch, after: TaskBatch, returns: NDArray[np.float64]) -> dict[str, float]:
        once = detached(self.adapted(before, differentiable=False))
        twice = adapt(self.policy, once, dict(self.rates.items()), after, differentiable=False)
        for name, weight in self.weights.items():
            weight.grad = (weight - twice[name].mean(dim=0)).detach()
        self.optimiser.step()
        return {"way": float(sum(weight.grad.square().sum() for weight in self.weights.values()) ** 0.5)}
