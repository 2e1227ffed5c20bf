"""An encoder trained by distances between tasks; what resembles known tasks starts from what was learned in them."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from typing_extensions import override

from metarl_agents.common.latent_policy import LatentPolicyInTrial
from metarl_agents.common.off_policy import OffPolicyAgent
from metarl_agents.common.replay import Ints
from metarl_agents.common.sac import SquashedPolicy
from metarl_agents.common.transitions import TransitionView
from metarl_agents.metric.config import MetricConfig
from metarl_agents.metric.embedding import LEAST_WEIGHT, Embedding, Points, metric_loss
from metarl_agents.metric.prototypes import Prototypes
from metarl_bench.agents import Phase


class MetricEncoder(nn.Module):
    """The embedding and the prototypes that live in it."""

    def __init__(self, embedding: Embedding, prototypes: Prototypes) -> None:
        super().__init__()
        self.embedding = embedding
        self.prototypes = prototypes


class Metric(OffPolicyAgent):
    """The encoder learns from the metric loss alone; the critics' error does not reach it."""

    config: MetricConfig
    encoder: MetricEncoder

    @override
    def make_encoder(self, generator: torch.Generator) -> MetricEncoder:
        config = self.config
        embedding = Embedding(self.view.evidence, config.encoder_hidden, config.latent, generator)
        return MetricEncoder(embedding, Prototypes(config.num_tasks, config.latent, rate=config.prototype_rate))

    @override
    def infer(self, tasks: Ints, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        places, embedding = torch.from_numpy(tasks), self.encoder.embedding
        points, excess = embedding.reached(self.newest_evidence(tasks, rng))
        # The second view is of all times, so that a task's point does not depend on how it was explored.
        others, other_excess = embedding.reached(self.any_evidence(tasks, rng))
        views = points.mean(dim=1).place, others.mean(dim=1).place
        loss = metric_loss(*views, tasks=places, softening=self.config.softening) + excess + other_excess
        known = Points(points.place.detach(), points.weight.detach())
        self.encoder.prototypes.update(places, known)
        # Any amount of evidence, as it comes in a trial.
        count = self.config.context
        taken = torch.arange(count) < torch.from_numpy(rng.integers(0, count + 1, (len(tasks), 1)))
        seen = Points(known.place, known.weight * taken[..., None]).mean(dim=1)
        return self.encoder.prototypes.transfer(seen), loss

    @override
    def start_trials(
        self, num_worlds: int, *, rng: np.random.Generator, privileged: NDArray[np.float64] | None = None
    ) -> MetricInTrial:
        return MetricInTrial(self.sac.policy, self.encoder, self.view, num_worlds, latent=self.config.latent, rng=rng)


class MetricInTrial(LatentPolicyInTrial):
    """Explores as if it were in a known task, drawn by similarity; is evaluated on the posterior mean.

    Exploring like that shows each task under the behaviour of many, without which the embedding would tell tasks by
    what the policy does in them instead of by what they are. In an evaluation episode, the mean is refined at every
    step.

    Attributes:
        seen: Weighted mean of the transitions' points, and the sum of their weights [worlds]; 0 before the first.
    """

    def __init__(
        self,
        policy: SquashedPolicy,
        encoder: MetricEncoder,
        view: TransitionView,
        num_worlds: int,
        *,
        latent: int,
        rng: np.random.Generator,
    ) -> None:
        self.seen = Points(torch.zeros((num_worlds, latent)), torch.zeros((num_worlds, 1)))
        self._encoder = encoder
        self._exploring = False
        super().__init__(policy, view, encoder.prototypes.transfer(self.seen), rng=rng)

    @override
    def begin_episode(self, observations: NDArray[np.float32], *, episode: int, phase: Phase) -> None:
        prototypes, self._exploring = self._encoder.prototypes, phase == "adaptation"
        if self._exploring:
            uniform = torch.from_numpy(self._rng.random((len(observations), 1), dtype=np.float32))
            self.latents = prototypes.draw(self.seen, uniform)
        else:
            self.latents = prototypes.transfer(self.seen)

    @override
    def take_in(self, evidence: Tensor, active: Tensor) -> None:
        place, weight = self._encoder.embedding(evidence)
        total = self.seen.weight + torch.where(active, weight, 0.0)
        share = torch.where(active, weight, 0.0) / total.clamp(min=LEAST_WEIGHT)
        self.seen = Points(self.seen.place + share * (place - self.seen.place), total)
        if not self._exploring:
            self.latents = torch.where(active, self._encoder.prototypes.transfer(self.seen), self.latents)
