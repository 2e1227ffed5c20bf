"""The posterior of a task's latent: a product of Gaussians, one for each transition."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from metarl_agents.common.layers import perceptron

# Variances below it are taken as it.
LEAST_VARIANCE = 1e-7


class Evidence(NamedTuple):
    """A product of diagonal Gaussians in natural parameters, which add up.

    Attributes:
        precision: Sum of the inverse variances [..., latent]; 0 where nothing was seen.
        weighted: Sum of means times inverse variances [..., latent].
    """

    precision: Tensor
    weighted: Tensor

    def posterior(self) -> tuple[Tensor, Tensor]:
        """Returns mean and variance [..., latent]; the standard normal prior where nothing was seen.

        As published, the prior is not a factor of the product: it counts only until the first transition.
        """
        seen = self.precision > 0
        precision = torch.where(seen, self.precision, 1.0)
        return self.weighted / precision, 1 / precision


class TransitionEncoder(nn.Module):
    """Turns each transition into a Gaussian factor over the latent."""

    def __init__(self, evidence: int, hidden: int, latent: int, generator: torch.Generator) -> None:
        super().__init__()
        self.net = perceptron((evidence, hidden, hidden, 2 * latent), generator)

    def forward(self, evidence: Tensor) -> Evidence:
        """Returns the factors [..., latent] of transitions [..., evidence]."""
        mean, spread = self.net(evidence).chunk(2, dim=-1)
        precision = 1 / nn.functional.softplus(spread).clamp(min=LEAST_VARIANCE)
        return Evidence(precision, mean * precision)


def product(factors: Evidence) -> Evidence:
    """Returns the product over the transitions, the axis before the last."""
    return Evidence(factors.precision.sum(dim=-2), factors.weighted.sum(dim=-2))


def divergence_from_prior(mean: Tensor, variance: Tensor) -> Tensor:
    """Returns the KL divergence from N(mean, variance) to the standard normal, summed over the latent [...]."""
    return 0.5 * (variance + mean.square() - 1 - variance.log()).sum(dim=-1)
