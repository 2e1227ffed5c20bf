"""The embedding of transitions, and the loss that makes distances between tasks out of it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from metarl_agents.common.layers import perceptron


class Embedding(nn.Module):
    """Turns each transition into a point of a cube; a task is the mean of its transitions' points."""

    def __init__(self, evidence: int, hidden: int, latent: int, generator: torch.Generator) -> None:
        super().__init__()
        self.net = perceptron((evidence, hidden, hidden, latent), generator)

    def forward(self, evidence: Tensor) -> Tensor:
        """Returns the points [..., latent], each number in (-1, 1), of transitions [..., evidence]."""
        return self.net(evidence).tanh()  # type: ignore[no-any-return]


def metric_loss(first: Tensor, second: Tensor, tasks: Tensor, *, softening: float) -> Tensor:
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
