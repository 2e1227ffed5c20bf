"""E-MAML: the initialisation explores for the sake of the adapted policy."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from typing_extensions import override

from metarl_agents.common.gradient.episodes import TaskBatch
from metarl_agents.common.gradient.inner import ratios
from metarl_agents.common.gradient.trpo import TrustRegionAgent
from metarl_agents.common.stacked import Weights


class EMaml(TrustRegionAgent):
    """MAML's objective, and the likelihood of what was done before the step, weighted by what came after it."""

    @override
    def objective(self, adapted: Weights, before: TaskBatch, after: TaskBatch, returns: NDArray[np.float64]) -> Tensor:
        ratio = ratios(self.policy, self.shared(len(returns)), before)
        credit = (returns - returns.mean()) / (returns.std() + 1e-8)
        explored = (before.share * ratio).sum(dim=-1) * torch.from_numpy(credit).to(ratio.dtype)
        return super().objective(adapted, before, after, returns) + explored.mean()
