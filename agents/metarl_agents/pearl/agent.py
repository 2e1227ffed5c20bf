"""PEARL: infers a distribution over the latent from transitions in any order, and explores by sampling from it."""

from __future__ import annotations

from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from typing_extensions import override

from metarl_agents.common.latent_policy import LatentPolicyInTrial
from metarl_agents.common.off_policy import OffPolicyAgent
from metarl_agents.common.replay import Ints
from metarl_agents.common.sac import SquashedPolicy
from metarl_agents.common.transitions import TransitionView
from metarl_agents.pearl.config import PearlConfig
from metarl_agents.pearl.posterior import Evidence, TransitionEncoder, divergence_from_prior, product
from metarl_bench.agents import Adaptation, Phase


class Pearl(OffPolicyAgent):
    """The encoder learns from the critics' error and from the divergence of its posterior from the prior."""

    config: PearlConfig
    encoder: TransitionEncoder

    @override
    def make_encoder(self, generator: torch.Generator) -> TransitionEncoder:
        config = self.config
        return TransitionEncoder(self.view.evidence, config.encoder_hidden, config.latent, generator)

    @override
    def infer(self, tasks: Ints, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        mean, variance = product(self.encoder(self.newest_evidence(tasks, rng))).posterior()
        noise = torch.from_numpy(rng.standard_normal(mean.shape, dtype=np.float32))
        loss = self.config.kl_weight * divergence_from_prior(mean, variance).mean()
        return mean + variance.sqrt() * noise, loss

    @override
    def start_trials(
        self, num_worlds: int, *, rng: np.random.Generator, privileged: NDArray[np.float64] | None = None
    ) -> Adaptation:
        return PearlInTrial(self.sac.policy, self.encoder, self.view, num_worlds, latent=self.config.latent, rng=rng)


class PearlInTrial(LatentPolicyInTrial):
    """Holds the product of all transitions of the trial; draws a latent from it for each adaptation episode."""

    def __init__(
        self,
        policy: SquashedPolicy,
        encoder: TransitionEncoder,
        view: TransitionView,
        num_worlds: int,
        *,
        latent: int,
        rng: np.random.Generator,
    ) -> None:
        nothing = torch.zeros((num_worlds, latent))
        super().__init__(policy, view, nothing, rng=rng)
        self._encoder = encoder
        self._evidence = Evidence(nothing, nothing)

    @override
    def begin_episode(self, observations: NDArray[np.float32], *, episode: int, phase: Phase) -> None:
        mean, variance = self._evidence.posterior()
        if phase == "adaptation":
            mean = mean + variance.sqrt() * self.noise(mean.shape[1])
        self.latents = mean

    @override
    def take_in(self, evidence: Tensor, active: Tensor) -> None:
        factors = cast("Evidence", self._encoder(evidence))
        known = self._evidence
        self._evidence = Evidence(
            known.precision + torch.where(active, factors.precision, 0.0),
            known.weighted + torch.where(active, factors.weighted, 0.0),
        )
