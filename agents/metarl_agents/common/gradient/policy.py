"""A Gaussian policy whose weights are an argument, one set for each task of a batch."""

from __future__ import annotations

import itertools
import math

import torch
from torch import Tensor, nn

from metarl_agents.common.gaussians import kl_divergence
from metarl_agents.common.stacked import Weights


class GaussianPolicy:
    """Layers with tanh between them give the mean; the standard deviation depends on the weights alone."""

    def __init__(self, observations: int, actions: int, *, hidden: int) -> None:
        """Describes the network.

        Args:
            observations: Size of an observation.
            actions: Size of an action.
            hidden: Units of each of the two hidden layers.
        """
        sizes = (observations, hidden, hidden, actions)
        self.num_observed, self.num_actions = observations, actions
        self._layers = list(enumerate(itertools.pairwise(sizes)))

    def initial_weights(self, generator: torch.Generator, *, log_std: float) -> Weights:
        """Returns one set of weights: orthogonal, the last layer's not smaller than the others'.

        With a last layer near zero, no gradient reaches the layers before it, and an inner step can change little.
        """
        weights: Weights = {}
        for layer, (inputs, outputs) in self._layers:
            weights[f"weight{layer}"] = nn.init.orthogonal_(torch.empty(inputs, outputs), generator=generator)
            weights[f"bias{layer}"] = torch.zeros(1, outputs)
        weights["log_std"] = torch.full((1, self.num_actions), log_std)
        return weights

    def mean(self, weights: Weights, observations: Tensor) -> Tensor:
        """Returns mean actions [tasks, rows, action] for observations [tasks, rows, observation]."""
        flow = observations
        for layer, _ in self._layers:
            flow = torch.baddbmm(
                weights[f"bias{layer}"], flow if layer == 0 else flow.tanh(), weights[f"weight{layer}"]
            )
        return flow

    def log_density(self, weights: Weights, observations: Tensor, actions: Tensor) -> Tensor:
        """Returns the log densities [tasks, rows] of actions [tasks, rows, action]."""
        log_std = weights["log_std"]
        scaled = (actions - self.mean(weights, observations)) * (-log_std).exp()
        return -(0.5 * scaled.square() + log_std + 0.5 * math.log(2 * math.pi)).sum(dim=-1)


def for_tasks(weights: Weights, tasks: int) -> Weights:
    """Returns the same weights for each of some tasks, with their graph."""
    return {name: weight.expand(tasks, *weight.shape) for name, weight in weights.items()}


def detached(weights: Weights) -> Weights:
    """Returns the weights without their graph, as leaves that gradients can be taken for."""
    return {name: weight.detach().requires_grad_() for name, weight in weights.items()}


def divergence(policy: GaussianPolicy, old: Weights, new: Weights, observations: Tensor) -> Tensor:
    """Returns the KL divergence [tasks, rows] from the old policy to the new one."""
    with torch.no_grad():
        old_mean = policy.mean(old, observations)
    return kl_divergence(old_mean, old["log_std"].detach(), policy.mean(new, observations), new["log_std"])
