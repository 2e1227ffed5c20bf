"""Prototypes of the training tasks, and what they and a trial's evidence together say about a new task."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from metarl_agents.metric.embedding import LEAST_WEIGHT, Points


class Prototypes(nn.Module):
    """A mixture of Gaussians around the training tasks' points: the prior of a new task's point.

    The weighted mean of transitions' points lies around the task's point with the variance of one, divided by the sum
    of their weights. With the mixture as prior, the posterior mean has a closed form (``transfer``): prototypes are
    weighted by their similarity to what was seen, and what was seen counts for more, the more there is of it.

    Attributes:
        points: Of the training tasks [tasks, latent].
        known: Whether a task has been seen: 1 or 0 [tasks].
        noise: Variance of a transition's point of weight 1 around its task's, per dimension, scalar.
    """

    points: Tensor
    known: Tensor
    noise: Tensor

    def __init__(self, num_tasks: int, latent: int, *, rate: float) -> None:
        """Makes prototypes that know nothing.

        Args:
            num_tasks: Training tasks.
            latent: Size of a point.
            rate: Share of the way that a prototype goes at each update.
        """
        super().__init__()
        self._rate = rate
        self.register_buffer("points", torch.zeros(num_tasks, latent))
        self.register_buffer("known", torch.zeros(num_tasks))
        self.register_buffer("noise", torch.ones(()))

    @torch.no_grad()
    def update(self, tasks: Tensor, points: Points) -> None:
        """Moves the prototypes of some tasks towards their newest points.

        Args:
            tasks: Positions of the tasks [tasks].
            points: Of their transitions [tasks, transitions].
        """
        mean = points.mean(dim=1).place
        rates = torch.where(self.known[tasks] > 0, self._rate, 1.0)[:, None]
        self.points[tasks] = self.points[tasks] + rates * (mean - self.points[tasks])
        self.known[tasks] = 1.0
        variance = (points.weight * (points.place - mean[:, None]).square()).mean() / points.weight.mean()
        self.noise += self._rate * (variance - self.noise)

    @torch.no_grad()
    def transfer(self, seen: Points) -> Tensor:
        """Returns the posterior mean of each world's task [worlds, latent]; without evidence the prototypes' mean.

        Args:
            seen: Weighted mean of what each world has shown, and the sum of the weights [worlds].
        """
        spread = self.spread()
        return self._refined(self.similarity(seen, spread) @ self.points, seen, spread)

    @torch.no_grad()
    def draw(self, seen: Points, uniform: Tensor) -> Tensor:
        """Returns the posterior mean around one prototype, drawn by similarity [worlds, latent].

        Args:
            seen: As for ``transfer``.
            uniform: Random numbers in [0, 1), one a world [worlds, 1].
        """
        spread = self.spread()
        reached = self.similarity(seen, spread).cumsum(dim=1)
        drawn = torch.searchsorted(reached, uniform * reached[:, -1:], right=True)[:, 0]
        return self._refined(self.points[drawn.clamp(max=len(self.points) - 1)], seen, spread)

    @torch.no_grad()
    def similarity(self, seen: Points, spread: Tensor) -> Tensor:
        """Returns how much each prototype counts [worlds, tasks]; rows sum to 1.

        Args:
            seen: As for ``transfer``.
            spread: As ``spread`` returns it, which costs too much to be computed twice.
        """
        variance = spread + self._uncertainty(seen)
        distances = (seen.place[:, None] - self.points).square().sum(dim=-1)
        logits = torch.where(self.known > 0, -0.5 * distances / variance, -torch.inf)
        return torch.where((self.known > 0).any(), logits, 0.0).softmax(dim=-1)

    def _refined(self, retrieved: Tensor, seen: Points, spread: Tensor) -> Tensor:
        """Moves points [worlds, latent] towards what was seen, the further the more there is of it."""
        return retrieved + spread / (spread + self._uncertainty(seen)) * (seen.place - retrieved)

    def _uncertainty(self, seen: Points) -> Tensor:
        """Returns the variance per dimension of what was seen around the task's point [worlds, 1]."""
        return self.noise / seen.weight.clamp(min=LEAST_WEIGHT)

    @torch.no_grad()
    def spread(self) -> Tensor:
        """Returns the variance per dimension of the Gaussians: the mean squared distance to the nearest prototype."""
        points = self.points[self.known > 0]
        if len(points) < 2:
            return torch.ones(())
        distances = torch.cdist(points, points).square()
        distances.fill_diagonal_(torch.inf)
        return distances.amin(dim=1).mean() / points.shape[1]
