"""The variational autoencoder that the belief is learned by: beliefs predict the rewards of the whole trial."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from metarl_agents.common.normalisers import RunningMoments
from metarl_agents.varibad.belief import ACTION_UNITS, OBSERVATION_UNITS, BeliefEncoder, linear
from metarl_agents.varibad.config import VariBadConfig
from metarl_agents.varibad.trials import TrialBatch

# Units of a decoder's two hidden layers, as in the reference implementation.
DECODER_UNITS = (64, 32)


class Trials(NamedTuple):
    """A batch of trials as the autoencoder sees it; leading axes [steps, trials], observations normalised."""

    observations: Tensor
    actions: Tensor
    rewards: Tensor
    following: Tensor
    lengths: Tensor

    @classmethod
    def of(cls, batch: TrialBatch, moments: RunningMoments) -> Trials:
        """Returns tensors of a batch."""
        return cls(
            observations=torch.from_numpy(moments.normalise(batch.observations)),
            actions=torch.from_numpy(batch.actions),
            rewards=torch.from_numpy(batch.rewards)[..., None],
            following=torch.from_numpy(moments.normalise(batch.following)),
            lengths=torch.from_numpy(batch.lengths),
        )


class Draw(NamedTuple):
    """What the loss is estimated with.

    Attributes:
        times: Beliefs after these steps predict, int64 [times, trials].
        steps: What they predict, int64 [predictions, trials].
        noise: Standard normal, by which a latent is drawn from each belief [times, trials, latent].
    """

    times: Tensor
    steps: Tensor
    noise: Tensor

    @classmethod
    def of(cls, lengths: Tensor, config: VariBadConfig, rng: np.random.Generator) -> Draw:
        """Draws times and steps uniformly from every trial."""
        limits, trials = lengths.numpy(), len(lengths)
        return cls(
            times=torch.from_numpy(rng.integers(limits, size=(config.belief_times, trials))),
            steps=torch.from_numpy(rng.integers(limits, size=(config.belief_predictions, trials))),
            noise=torch.from_numpy(rng.standard_normal((config.belief_times, trials, config.latent), dtype=np.float32)),
        )


class Decoder(nn.Module):
    """Predicts something about a step from a latent and the step's parts."""

    def __init__(
        self, *, latent: int, parts: Sequence[tuple[int, int]], outputs: int, generator: torch.Generator
    ) -> None:
        """Makes the network.

        Args:
            latent: Size of a latent.
            parts: Size of each part, and of the layer that reads it.
            outputs: Numbers to predict.
            generator: Draws the initial weights.
        """
        super().__init__()
        first, second = DECODER_UNITS
        self._read = nn.ModuleList(linear(size, units, generator) for size, units in parts)
        # One layer on [latent, step], in two halves, so that neither is computed for every pair of the two.
        self._of_step = linear(sum(units for _, units in parts), first, generator)
        self._of_latent = linear(latent, first, generator)
        self._second = linear(first, second, generator)
        self._out = linear(second, outputs, generator, gain=1.0)

    def forward(self, latents: Tensor, parts: Sequence[Tensor]) -> Tensor:
        """Predicts every step from every latent of its trial.

        Args:
            latents: [times, trials, latent].
            parts: Each [predictions, trials, size].

        Returns:
            [times, predictions, trials, outputs].
        """
        read = torch.cat([layer(part) for layer, part in zip(self._read, parts, strict=True)], dim=-1).relu()
        hidden = (self._of_latent(latents)[:, None] + self._of_step(read)[None]).relu()
        predicted: Tensor = self._out(self._second(hidden).relu())
        return predicted


class Autoencoder(nn.Module):
    """A belief's evidence lower bound: what it predicts of the whole trial, past and future.

    Attributes:
        encoder: Shared with who acts.
    """

    def __init__(
        self,
        encoder: BeliefEncoder,
        config: VariBadConfig,
        *,
        observation: int,
        action: int,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self._config = config
        state, act = (observation, OBSERVATION_UNITS), (action, ACTION_UNITS)
        parts = (state, act, state) if config.reward_from_step else (state,)
        self.rewards = Decoder(latent=config.latent, parts=parts, outputs=1, generator=generator)
        self.states = (
            Decoder(latent=config.latent, parts=(state, act), outputs=observation, generator=generator)
            if config.state_weight
            else None
        )

    def loss(self, trials: Trials, draw: Draw) -> tuple[Tensor, dict[str, float]]:
        """Returns the negative bound per step, a mean over beliefs and trials, and its parts.

        The likelihood is a Gaussian of variance 1/2, up to a constant. The prior of a belief is the one before it, and
        a standard normal before the first (equation 9 of the paper, with the approximation of its section 3.1).
        """
        config = self._config
        start = trials.rewards.new_zeros(len(trials.lengths), self.encoder.units)
        _, beliefs = self.encoder(trials.actions, trials.following, trials.rewards, start)
        before = torch.cat([torch.zeros_like(beliefs[:1]), beliefs[:-1]])
        mean, log_variance = at(beliefs, draw.times).chunk(2, dim=-1)
        divergence = divergence_of(mean, log_variance, *at(before, draw.times).chunk(2, dim=-1))
        latents = mean + (0.5 * log_variance).exp() * draw.noise
        error = self._reward_error(trials, draw.steps, latents)
        loss = error + config.kl_weight * (divergence / trials.lengths).mean()
        figures = {"reward_error": float(error.detach()), "belief_kl": float(divergence.detach().mean())}
        if self.states is not None:
            state_error = self._state_error(self.states, trials, draw.steps, latents)
            loss = loss + config.state_weight * state_error
            figures["state_error"] = float(state_error.detach())
        return loss, figures

    def predict_rewards(self, latents: Tensor, observations: Tensor, actions: Tensor, following: Tensor) -> Tensor:
        """Returns predicted rewards [times, predictions, trials], as ``Decoder`` takes its arguments."""
        parts = (observations, actions, following) if self._config.reward_from_step else (following,)
        predicted: Tensor = self.rewards(latents, parts)
        return predicted[..., 0]

    def _reward_error(self, trials: Trials, steps: Tensor, latents: Tensor) -> Tensor:
        seen = (at(part, steps) for part in (trials.observations, trials.actions, trials.following))
        errors = self.predict_rewards(latents, *seen) - at(trials.rewards, steps)[..., 0]
        return torch.mean(errors.square())

    def _state_error(self, decoder: Decoder, trials: Trials, steps: Tensor, latents: Tensor) -> Tensor:
        predicted = decoder(latents, (at(trials.observations, steps), at(trials.actions, steps)))
        # The change is predicted: what hardly changes would drown in what does not.
        change = at(trials.following, steps) - at(trials.observations, steps)
        return torch.mean((predicted - change).square().sum(dim=-1))


def divergence_of(mean: Tensor, log_variance: Tensor, prior_mean: Tensor, prior_log_variance: Tensor) -> Tensor:
    """Returns the KL divergence of diagonal Gaussians from their priors; the last axis is summed over."""
    spread = log_variance.exp() + (mean - prior_mean).square()
    return 0.5 * (prior_log_variance - log_variance + spread * (-prior_log_variance).exp() - 1).sum(dim=-1)


def at(array: Tensor, steps: Tensor) -> Tensor:
    """Returns rows of [steps, trials, size] at some steps of each trial [chosen, trials], as [chosen, trials, size]."""
    return array[steps, torch.arange(array.shape[1])]
