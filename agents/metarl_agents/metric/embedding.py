"""The embedding of transitions, and the loss that makes distances between tasks out of it."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from metarl_agents.common.layers import perceptron

# Stands for no evidence at all, where the variance of the mean would be infinite.
LEAST_WEIGHT = 1e-3
# How far from 0 the numbers behind a point and behind its weight get for free: the tanh is 0.96 there, the sigmoid
# 0.02, and both still have a slope. The loss alone would push points on into the corners of the cube, and let the
# weights, of which only ratios count, all drift to 0, where nothing is left of their mean; no gradient would lead back.
POINT_REACH, WEIGHT_REACH = 2.0, 4.0


class Points(NamedTuple):
    """Points of transitions, or their weighted means.

    Attributes:
        place: Each number in (-1, 1) [..., latent].
        weight: How much a transition says about its task, in (0, 1), or the sum over several [..., 1].
    """

    place: Tensor
    weight: Tensor

    def mean(self, dim: int) -> Points:
        """Returns the weighted mean over a set of transitions, of which at least one must have a weight."""
        weight = self.weight.sum(dim=dim)
        return Points((self.weight * self.place).sum(dim=dim) / weight.clamp(min=LEAST_WEIGHT), weight)


class Embedding(nn.Module):
    """Turns each transition into a point of a cube and a weight; a task is the weighted mean of its transitions.

    Without weights, the few transitions that tell tasks apart would drown in the many that do not.
    """

    def __init__(self, evidence: int, hidden: int, latent: int, generator: torch.Generator) -> None:
        super().__init__()
        self.net = perceptron((evidence, hidden, hidden, latent + 1), generator)
        self._reach = torch.tensor([POINT_REACH] * latent + [WEIGHT_REACH])

    def forward(self, evidence: Tensor) -> Points:
        """Returns the points of transitions [..., evidence]."""
        return _points(self.net(evidence))

    def reached(self, evidence: Tensor) -> tuple[Points, Tensor]:
        """Returns the points of transitions [..., evidence], and a scalar: by how much they reach too far."""
        out = self.net(evidence)
        excess = (out.abs() - self._reach).clamp(min=0.0).square().mean()
        return _points(out), excess


def _points(out: Tensor) -> Points:
    return Points(out[..., :-1].tanh(), out[..., -1:].sigmoid())


def metric_loss(first: Tensor, second: Tensor, *, tasks: Tensor, softening: float) -> Tensor:
    """Returns the inverse-square metric loss (Li et al. 2021, equation 9 with n = 2).

    Two views of one task attract each other by their squared distance; views of different tasks repel each other by
    the inverse of theirs.

    Args:
        first: A view of each task: the mean point of some of its transitions [tasks, latent].
        second: Another, from other transitions [tasks, latent].
        tasks: What task each row is, since a batch may hold one several times [tasks].
        softening: Added to squared distances before they are inverted.
    """
    distances = (first[:, None] - second[None, :]).square().sum(dim=-1)
    same = tasks[:, None] == tasks[None, :]
    attraction = distances[same].mean()
    if bool(same.all()):
        return attraction
    return attraction + (1 / (distances[~same] + softening)).mean()
