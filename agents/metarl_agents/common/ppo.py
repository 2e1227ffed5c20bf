"""Proximal policy optimisation (Schulman et al. 2017) with truncated backpropagation through time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from metarl_agents.common.config import OnPolicyConfig
from metarl_agents.common.gaussians import kl_divergence
from metarl_agents.common.networks import ActorCritic
from metarl_agents.common.rollouts import Rollout

# The normalised value error beyond which the loss is linear.
HUBER_DELTA = 1.0
# The rate is changed by this factor where the KL divergence is twice or half of what is wanted.
RATE_FACTOR = 1.5


@dataclass(frozen=True)
class Batch:
    """Sequences for learning; leading axes [steps, sequences], padded at the end where a trial was cut."""

    inputs: Tensor
    state: Any
    actions: Tensor
    means: Tensor
    advantages: Tensor
    returns: Tensor
    weights: Tensor

    def select(self, sequences: Tensor) -> Batch:
        """Returns some of the sequences."""
        return Batch(
            inputs=self.inputs[:, sequences],
            state=self.state[sequences],
            actions=self.actions[:, sequences],
            means=self.means[:, sequences],
            advantages=self.advantages[:, sequences],
            returns=self.returns[:, sequences],
            weights=self.weights[:, sequences],
        )

    def __len__(self) -> int:
        return self.inputs.shape[1]


def make_batch(
    rollout: Rollout, advantages: NDArray[np.float32], returns: NDArray[np.float32], *, length: int
) -> Batch:
    """Cuts a rollout into sequences of at most ``length`` steps, none of which crosses the start of a trial.

    Args:
        rollout: Leading axes [steps, worlds].
        advantages: [steps, worlds].
        returns: Targets of the value function [steps, worlds].
        length: Steps through which gradients flow back.
    """
    steps = len(rollout.ends)
    begins = rollout.starts.copy()
    begins[::length] = True
    # Worlds first, so that each sequence runs to the next beginning in the same world.
    world_of, start_of = np.nonzero(begins.T)
    stops = np.append(start_of[1:], 0)
    stops = np.where(stops > start_of, stops, steps)
    offsets = np.arange(length)[:, None]
    weights = (start_of + offsets < stops).astype(np.float32)
    rows = np.minimum(start_of + offsets, stops - 1)

    def gather(array: NDArray[Any]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array[rows, world_of]))

    return Batch(
        inputs=gather(rollout.inputs),
        state=rollout.state_at(start_of, world_of),
        actions=gather(rollout.actions),
        means=gather(rollout.means),
        advantages=gather(advantages),
        returns=gather(returns),
        weights=torch.from_numpy(weights),
    )


class Losses(NamedTuple):
    """What PPO minimises.

    Attributes:
        total: Of policy, value and entropy.
        value: That of the value function.
        ratio: Of the actions' densities, new to old [steps, sequences].
    """

    total: Tensor
    value: Tensor
    ratio: Tensor


def ppo_losses(
    batch: Batch, means: Tensor, values: Tensor, log_std: Tensor, old_log_std: Tensor, config: OnPolicyConfig
) -> Losses:
    """Returns the clipped objective's losses, means over the steps that count (0 where none does).

    Args:
        batch: Leading axes [steps, sequences].
        means: The policy's now [steps, sequences, action].
        values: The value function's now [steps, sequences].
        log_std: The policy's now [action].
        old_log_std: Of the policy that acted [action] or [steps, sequences, action].
        config: Settings.
    """
    total = batch.weights.sum().clamp(min=1.0)
    log_ratio = _log_density(batch.actions, means, log_std) - _log_density(batch.actions, batch.means, old_log_std)
    ratio = log_ratio.exp()
    clipped = ratio.clamp(1 - config.clip, 1 + config.clip)
    gain = torch.minimum(ratio * batch.advantages, clipped * batch.advantages)
    errors = nn.functional.huber_loss(values, batch.returns, reduction="none", delta=HUBER_DELTA)
    value_loss = (errors * batch.weights).sum() / total
    entropy = (log_std + 0.5 * math.log(2 * math.pi * math.e)).sum()
    loss = -(gain * batch.weights).sum() / total + config.value_weight * value_loss
    return Losses(loss - config.entropy_weight * entropy, value_loss, ratio)


class Ppo:
    """Updates an ``ActorCritic`` from batches; the learning rate follows the KL divergence.

    Attributes:
        progress: Share of the training that is over.
        optimiser: Adam.
    """

    def __init__(self, network: ActorCritic, config: OnPolicyConfig) -> None:
        self._network = network
        self._config = config
        self.progress = 0.0
        self.optimiser = torch.optim.Adam(network.parameters(), lr=config.learning_rate, eps=1e-5, fused=True)

    def update(self, batch: Batch, rng: np.random.Generator) -> dict[str, float]:
        """Takes all epochs of minibatch steps.

        Returns:
            Means of the last epoch: KL divergence, value loss, share of clipped ratios; and the learning rate.
        """
        old_log_std = self._network.log_std.detach().clone()
        figures = []
        for _ in range(self._config.epochs):
            figures = [self._step(part, old_log_std) for part in self._minibatches(batch, rng)]
        mean = {name: sum(figure[name] for figure in figures) / len(figures) for name in figures[0]}
        return mean | {"learning_rate": self.optimiser.param_groups[0]["lr"]}

    def _minibatches(self, batch: Batch, rng: np.random.Generator) -> Iterator[Batch]:
        order = torch.from_numpy(rng.permutation(len(batch)))
        for part in order.chunk(self._config.minibatches):
            yield batch.select(part)

    def _step(self, batch: Batch, old_log_std: Tensor) -> dict[str, float]:
        config, log_std = self._config, self._network.log_std
        means, values = self._network.sequence(batch.inputs, batch.state)
        losses = ppo_losses(batch, means, values, log_std, old_log_std, config)
        self.optimiser.zero_grad()
        losses.total.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self._network.parameters(), config.gradient_clip)
        with torch.no_grad():
            total = batch.weights.sum()
            kl = (kl_divergence(batch.means, old_log_std, means, log_std) * batch.weights).sum() / total
            outside = ((losses.ratio - 1).abs() > config.clip).float()
            figures = {
                "kl": float(kl),
                "value_loss": float(losses.value),
                "clipped_ratios": float((outside * batch.weights).sum() / total),
            }
        self._adapt_rate(figures["kl"])
        self.optimiser.step()
        return figures

    def _adapt_rate(self, kl: float) -> None:
        config, group = self._config, self.optimiser.param_groups[0]
        wanted = config.target_kl
        if config.final_kl:
            wanted += self.progress * (config.final_kl - wanted)
        if kl > 2 * wanted:
            group["lr"] = max(group["lr"] / RATE_FACTOR, config.lowest_rate)
        elif kl < wanted / 2:
            group["lr"] = min(group["lr"] * RATE_FACTOR, config.highest_rate)


def _log_density(actions: Tensor, means: Tensor, log_std: Tensor) -> Tensor:
    """Returns the log density of a diagonal Gaussian, without the constant that ratios do not need."""
    scaled = (actions - means) * torch.exp(-log_std)
    return -0.5 * scaled.square().sum(dim=-1) - log_std.sum(dim=-1)
