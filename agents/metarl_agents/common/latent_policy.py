"""Acting through a trial with a policy that is told what is believed about the task."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from typing_extensions import override

from metarl_agents.common.forks import fork_of
from metarl_agents.common.networks import torch_threads
from metarl_agents.common.sac import SquashedPolicy
from metarl_agents.common.transitions import TransitionView
from metarl_bench.agents import Adaptation, Transition


class LatentPolicyInTrial(Adaptation):
    """Infers a latent of each world's task from its transitions, and acts on [observation, latent].

    Attributes:
        latents: What the policy is told [worlds, latent].
    """

    def __init__(
        self, policy: SquashedPolicy, view: TransitionView, latents: Tensor, *, rng: np.random.Generator
    ) -> None:
        self._policy = policy
        self._view = view
        self._rng = rng
        self.latents = latents

    @abstractmethod
    def take_in(self, evidence: Tensor, active: Tensor) -> None:
        """Learns from one transition of each active world.

        Args:
            evidence: As an encoder sees it [worlds, evidence].
            active: Which rows count, bool [worlds, 1].
        """

    @override
    def act(
        self, observations: NDArray[np.float32], *, active: NDArray[np.bool_], explore: bool
    ) -> NDArray[np.floating[Any]]:
        seen = torch.from_numpy(self._view.observation_moments.normalise(observations))
        with torch.inference_mode(), torch_threads(1):
            mean, log_std = self._policy(torch.cat([seen, self.latents], dim=1))
            if explore:
                mean = mean + log_std.exp() * self.noise(mean.shape[1])
            return self._view.from_unit(mean.tanh().numpy())

    @override
    def observe(self, transition: Transition) -> None:
        with torch.inference_mode(), torch_threads(1):
            evidence = self._view.for_encoder(torch.from_numpy(self._view.rows(transition)))
            self.take_in(evidence, torch.from_numpy(transition.active[:, None]))

    @override
    def fork(self) -> Self:
        # Networks are shared and tensors are replaced, never written into: only the stream must be the fork's own.
        return fork_of(self)

    def noise(self, size: int) -> Tensor:
        """Returns standard normal numbers [worlds, size]."""
        return torch.from_numpy(self._rng.standard_normal((len(self.latents), size), dtype=np.float32))
