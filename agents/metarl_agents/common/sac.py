"""Soft actor-critic with a task's latent as further input (Haarnoja et al. 2018, arXiv:1812.05905)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from metarl_agents.common.config import OffPolicyConfig
from metarl_agents.common.layers import Stacked, perceptron

# Range of the policy's log standard deviation before squashing.
LOG_STD = (-5.0, 2.0)


class Transitions(NamedTuple):
    """A batch of transitions, normalised; leading axis [rows]."""

    observations: Tensor
    actions: Tensor
    rewards: Tensor
    following: Tensor
    terminated: Tensor


class SquashedPolicy(nn.Module):
    """A Gaussian, squashed by tanh into [-1, 1], on [observation, latent]."""

    def __init__(self, inputs: int, actions: int, *, hidden: int, generator: torch.Generator) -> None:
        super().__init__()
        self.net = perceptron((inputs, hidden, hidden, 2 * actions), generator)

    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Returns mean and log standard deviation before squashing, [rows, action] each."""
        mean, log_std = self.net(inputs).chunk(2, dim=-1)
        return mean, log_std.clamp(*LOG_STD)

    def sample(self, inputs: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Returns actions [rows, action] and their log densities [rows].

        Args:
            inputs: [rows, observation + latent].
            noise: Standard normal [rows, action].
        """
        mean, log_std = self(inputs)
        raw = mean + log_std.exp() * noise
        gaussian = -0.5 * noise.square() - log_std - 0.5 * math.log(2 * math.pi)
        # log(1 - tanh(u)^2), in the form that does not overflow.
        squash = 2 * (math.log(2) - raw - nn.functional.softplus(-2 * raw))
        return raw.tanh(), (gaussian - squash).sum(dim=-1)


class TwinCritic(nn.Module):
    """Two value functions of [observation, action, latent], computed as one."""

    def __init__(self, inputs: int, *, hidden: int, generator: torch.Generator) -> None:
        super().__init__()
        self.net = Stacked(2, (inputs, hidden, hidden, 1), generator)

    def forward(self, inputs: Tensor) -> Tensor:
        """Returns both values [2, rows] of inputs [rows, size]."""
        return self.net(inputs)[..., 0]  # type: ignore[no-any-return]


class Sac:
    """Actor, critics and temperature, and the steps that train them.

    Attributes:
        policy: The actor.
        critic: Both critics.
        target: Their slowly following copy.
        log_temperature: Learned, so that the entropy stays near minus the number of actions.
        critic_optimiser: Trains critics and encoder together.
        policy_optimiser: Trains the actor.
        temperature_optimiser: Trains the temperature.
    """

    def __init__(
        self,
        *,
        observations: int,
        actions: int,
        latent: int,
        encoder: Sequence[nn.Parameter],
        config: OffPolicyConfig,
        generator: torch.Generator,
    ) -> None:
        """Makes the networks.

        Args:
            observations: Size of an observation.
            actions: Size of an action.
            latent: Size of a task's latent.
            encoder: Weights behind the latents, trained together with the critics.
            config: Settings.
            generator: Draws the initial weights.
        """
        self._config = config
        self._num_actions = actions
        seen, hidden = observations + latent, config.hidden
        self.policy = SquashedPolicy(seen, actions, hidden=hidden, generator=generator)
        self.critic = TwinCritic(seen + actions, hidden=hidden, generator=generator)
        self.target = TwinCritic(seen + actions, hidden=hidden, generator=generator)
        self.target.load_state_dict(self.critic.state_dict())
        self.log_temperature = nn.Parameter(torch.zeros(()))
        self._critic_weights = [*self.critic.parameters(), *encoder]
        self._policy_weights = list(self.policy.parameters())
        rate = config.learning_rate
        self.critic_optimiser = torch.optim.Adam(self._critic_weights, lr=rate, fused=True)
        self.policy_optimiser = torch.optim.Adam(self._policy_weights, lr=rate, fused=True)
        self.temperature_optimiser = torch.optim.Adam([self.log_temperature], lr=rate, fused=True)

    def update_critic(
        self, batch: Transitions, latents: Tensor, encoder_loss: Tensor, rng: np.random.Generator
    ) -> dict[str, float]:
        """Takes a step on the critics and the encoder, and lets the target follow.

        Args:
            batch: Transitions [rows].
            latents: Of each row's task [rows, latent], with their graph.
            encoder_loss: What the encoder minimises beside the critics' error.
            rng: For the next actions.
        """
        config = self._config
        with torch.no_grad():
            seen = torch.cat([batch.following, latents], dim=1)
            actions, log_density = self.policy.sample(seen, self._noise(len(seen), rng))
            following = self.target(torch.cat([seen, actions], dim=1)).amin(dim=0)
            following = following - self.log_temperature.exp() * log_density
            wanted = batch.rewards + config.discount * (1 - batch.terminated) * following
        values = self.critic(torch.cat([batch.observations, latents, batch.actions], dim=1))
        error = (values - wanted).square().mean(dim=1).sum()
        _step(self.critic_optimiser, error + encoder_loss, self._critic_weights)
        with torch.no_grad():
            torch._foreach_lerp_(list(self.target.parameters()), list(self.critic.parameters()), config.target_rate)
        return {"critic_error": float(error.detach()), "value": float(values.detach().mean())}

    def update_policy(self, batch: Transitions, latents: Tensor, rng: np.random.Generator) -> dict[str, float]:
        """Takes a step on the actor and on the temperature; ``latents`` [rows, latent] take no gradient."""
        seen = torch.cat([batch.observations, latents.detach()], dim=1)
        actions, log_density = self.policy.sample(seen, self._noise(len(seen), rng))
        values = self.critic(torch.cat([seen, actions], dim=1)).amin(dim=0)
        temperature = self.log_temperature.detach().exp()
        _step(self.policy_optimiser, (temperature * log_density - values).mean(), self._policy_weights)
        entropy = -log_density.detach().mean()
        _step(self.temperature_optimiser, self.log_temperature * (entropy + self._num_actions), [self.log_temperature])
        return {"entropy": float(entropy), "temperature": float(temperature)}

    def _noise(self, rows: int, rng: np.random.Generator) -> Tensor:
        return torch.from_numpy(rng.standard_normal((rows, self._num_actions), dtype=np.float32))


def _step(optimiser: torch.optim.Adam, loss: Tensor, weights: list[nn.Parameter]) -> None:
    """Takes one step; other weights behind the loss get no gradient, which saves their share of the backward pass."""
    for weight, gradient in zip(weights, torch.autograd.grad(loss, weights), strict=True):
        weight.grad = gradient
    optimiser.step()
