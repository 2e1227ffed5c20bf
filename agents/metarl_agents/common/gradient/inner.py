"""The inner loop: one gradient step of each task on its own episodes."""

from __future__ import annotations

import torch
from torch import Tensor

from metarl_agents.common.gradient.episodes import TaskBatch
from metarl_agents.common.gradient.policy import GaussianPolicy
from metarl_agents.common.stacked import Weights


def ratios(policy: GaussianPolicy, weights: Weights, batch: TaskBatch) -> Tensor:
    """Returns the densities of a batch's actions over those they were taken with [tasks, rows]."""
    return (policy.log_density(weights, batch.observations, batch.actions) - batch.log_density).exp()


def surrogate(policy: GaussianPolicy, weights: Weights, batch: TaskBatch) -> Tensor:
    """Returns the likelihood-ratio estimate of each task's gain over the policy that acted [tasks].

    At the weights that acted, its gradient is the policy gradient. Its second derivative has little variance, at the
    price of a bias: how a step changes later visits and rewards to go is left out (Rothfuss et al. 2019,
    arXiv:1810.06784, section 5). That of a log-likelihood leaves out more.
    """
    return (batch.share * ratios(policy, weights, batch) * batch.advantages).sum(dim=-1)


def adapt(
    policy: GaussianPolicy, weights: Weights, rates: Weights, batch: TaskBatch, *, differentiable: bool
) -> Weights:
    """Returns each task's weights after one step up its surrogate (Finn et al. 2017, arXiv:1703.03400, equation 1).

    Args:
        policy: The network.
        weights: A set for each task, all part of a graph.
        rates: Learning rate of each number, of shapes that fit the weights.
        batch: What each task's policy did with these weights.
        differentiable: Whether gradients flow through the step's own gradient, too; else it is a constant.
    """
    gain = surrogate(policy, weights, batch).sum()
    gradients = torch.autograd.grad(gain, list(weights.values()), create_graph=differentiable)
    return {
        name: weight + rates[name] * gradient
        for (name, weight), gradient in zip(weights.items(), gradients, strict=True)
    }
