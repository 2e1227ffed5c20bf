"""The outer loop of MAML-TRPO: a trust-region step on the initialisation, through the inner step."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.utils import parameters_to_vector
from typing_extensions import override

from metarl_agents.common.gradient.agent import GradientAgent
from metarl_agents.common.gradient.config import TrustRegionConfig
from metarl_agents.common.gradient.episodes import TaskBatch
from metarl_agents.common.gradient.inner import surrogate
from metarl_agents.common.gradient.policy import GaussianPolicy, divergence
from metarl_agents.common.gradient.trust_region import gauss_newton, improve
from metarl_agents.common.stacked import Weights


class TrustRegionAgent(GradientAgent):
    """Maximises what the adapted policies do, while they stay near those that acted."""

    config: TrustRegionConfig

    def objective(self, adapted: Weights, before: TaskBatch, after: TaskBatch, returns: NDArray[np.float64]) -> Tensor:
        """Returns what the outer step increases; arguments as for ``improve``, beside the adapted weights."""
        return surrogate(self.policy, adapted, after).mean()

    def learned(self) -> list[Tensor]:
        """Returns what the outer step changes."""
        return list(self.weights.values())

    @override
    def improve(self, before: TaskBatch, after: TaskBatch, returns: NDArray[np.float64]) -> dict[str, float]:
        parameters = self.learned()
        adapted = self.adapted(before, differentiable=self.differentiable)
        acted = {name: weight.detach() for name, weight in adapted.items()}
        gain = self.objective(adapted, before, after, returns)
        gradient = parameters_to_vector(torch.autograd.grad(gain, parameters)).detach()
        few, later = (batch.thinned(self.config.metric_stride) for batch in (before, after))
        outputs = coordinates(self.policy, self.adapted(few, differentiable=self.differentiable), later)

        def evaluate() -> tuple[float, float]:
            tried = self.adapted(before, differentiable=False)
            with torch.no_grad():
                rows = divergence(self.policy, acted, tried, after.observations)
                moved = (after.share * rows).sum(dim=-1).mean()
                return float(self.objective(tried, before, after, returns)), float(moved)

        step = improve(
            parameters,
            gradient=gradient,
            metric=gauss_newton(outputs, parameters),
            evaluate=evaluate,
            radius=self.config.radius,
        )
        return {"improvement": step.improvement, "kl": step.divergence, "step_length": step.length}


def coordinates(policy: GaussianPolicy, weights: Weights, batch: TaskBatch) -> Tensor:
    """Returns policies in coordinates in which half the squared distance is the KL divergence, to second order.

    They are mean / std and sqrt(2) log std, weighted by each row's share of the mean [tasks, rows, 2 action].
    """
    log_std = weights["log_std"]
    mean = policy.mean(weights, batch.observations) * (-log_std.detach()).exp()
    both = torch.cat([mean, math.sqrt(2) * log_std.expand_as(mean)], dim=-1)
    return both * (batch.share / len(batch.share)).sqrt()[..., None]
