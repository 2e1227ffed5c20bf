"""Networks with weights of their own in every world, computed as one.

Weights are tensors [worlds, ...] by name. They are replaced, never written into, so that forks can share them.
"""

from __future__ import annotations

import functools
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

Weights = dict[str, Tensor]

# Of Adam: decay of the two moments, and what keeps steps small where gradients nearly vanish, as in training.
BETA_MEAN, BETA_SQUARE, EPSILON = 0.9, 0.999, 1e-5


def stack(network: nn.Module, worlds: int) -> Weights:
    """Returns the network's weights for each world."""
    return {name: weight.detach().expand(worlds, *weight.shape) for name, weight in network.named_parameters()}


def forward(network: nn.Module, weights: Weights, *inputs: Tensor) -> tuple[Tensor, ...]:
    """Calls the network in each world with its own weights and inputs, all with leading axis [worlds]."""
    return cast("tuple[Tensor, ...]", vmap(functools.partial(functional_call, network))(weights, inputs))


def clip_gradients(gradients: Weights, largest: float) -> Weights:
    """Scales each world's gradient down to a norm of at most ``largest``."""
    norms = torch.stack([gradient.flatten(1).norm(dim=1) for gradient in gradients.values()]).norm(dim=0)
    factors = (largest / (norms + 1e-6)).clamp(max=1.0)
    return {name: _each(factors, gradient) * gradient for name, gradient in gradients.items()}


class Adam(NamedTuple):
    """State of Adam (Kingma and Ba 2015); it works number by number, so that worlds keep apart.

    Attributes:
        steps: Taken so far.
        mean: Of the gradient.
        square: Mean of the squared gradient.
    """

    steps: int
    mean: Weights
    square: Weights

    @classmethod
    def fresh(cls, weights: Weights) -> Adam:
        """Returns the state before the first step."""
        zeros = {name: torch.zeros_like(weight) for name, weight in weights.items()}
        return cls(0, zeros, zeros)

    def step(self, weights: Weights, gradients: Weights, rate: float) -> tuple[Weights, Adam]:
        """Returns the weights after a step down the gradients, and the state."""
        steps = self.steps + 1
        mean = {name: torch.lerp(self.mean[name], gradients[name], 1 - BETA_MEAN) for name in weights}
        square = {name: torch.lerp(self.square[name], gradients[name].square(), 1 - BETA_SQUARE) for name in weights}
        rate, scale = rate / (1 - BETA_MEAN**steps), 1 - BETA_SQUARE**steps
        moved = {
            name: weight - rate * mean[name] / ((square[name] / scale).sqrt() + EPSILON)
            for name, weight in weights.items()
        }
        return moved, Adam(steps, mean, square)


def _each(factors: Tensor, like: Tensor) -> Tensor:
    """Shapes one number a world [worlds] so that it multiplies [worlds, ...]."""
    return factors.reshape(-1, *[1] * (like.dim() - 1))
