"""A trial of an agent that adapts by a gradient step on the trial's own adaptation episodes."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from typing_extensions import override

from metarl_agents.common.forks import fork_of
from metarl_agents.common.gradient.config import GradientConfig
from metarl_agents.common.gradient.episodes import Episodes, TaskBatch
from metarl_agents.common.gradient.inner import adapt
from metarl_agents.common.gradient.policy import GaussianPolicy, detached, for_tasks
from metarl_agents.common.networks import torch_threads
from metarl_agents.common.normalisers import RunningMoments
from metarl_agents.common.stacked import Weights
from metarl_bench.agents import Adaptation, Phase, Transition


class GradientInTrial(Adaptation):
    """Explores with the learned initialisation, as in training; is scored with what a step on all of it gives.

    The step starts again from the initialisation after each adaptation episode, with all that was seen so far: its
    data always come from the policy that it starts from.
    """

    def __init__(
        self,
        policy: GaussianPolicy,
        weights: Weights,
        rates: Weights,
        moments: RunningMoments,
        config: GradientConfig,
        num_worlds: int,
        *,
        rng: np.random.Generator,
    ) -> None:
        self._policy = policy
        self._initial = detached(for_tasks(weights, num_worlds))
        self._rates = rates
        self._moments = moments
        self._config = config
        self._rng = rng
        self._adapted = self._initial
        self._weights = self._initial
        self._episodes: tuple[Episodes, ...] = ()
        self._steps: list[tuple[NDArray[Any], ...]] = []
        self._learns = False

    @override
    def begin_episode(self, observations: NDArray[np.float32], *, episode: int, phase: Phase) -> None:
        self._learns = phase == "adaptation"
        self._weights = self._initial if self._learns else self._adapted
        self._steps = []

    @override
    def act(
        self, observations: NDArray[np.float32], *, active: NDArray[np.bool_], explore: bool
    ) -> NDArray[np.floating[Any]]:
        normalised = self._moments.normalise(observations)
        with torch.inference_mode(), torch_threads(1):
            actions = self._policy.mean(self._weights, torch.from_numpy(normalised[:, None]))[:, 0].numpy()
        if explore:
            std = self._weights["log_std"].detach().exp()[:, 0].numpy()
            actions = actions + std * self._rng.standard_normal(actions.shape, dtype=np.float32)
        if self._learns:
            # What was sampled, not what is executed after clipping: the gradient is that of the sampled density.
            self._steps.append((normalised, actions))
        return actions

    @override
    def observe(self, transition: Transition) -> None:
        if self._learns:
            self._steps[-1] += (transition.reward, transition.active)

    @override
    def end_episode(self) -> None:
        if not self._learns:
            return
        tasks = len(self._initial["log_std"])
        self._episodes = (*self._episodes, Episodes.of_worlds(self._steps, tasks=tasks))
        config = self._config
        with torch_threads(config.learning_threads):
            batch = TaskBatch.of(
                Episodes.joined(self._episodes),
                self._policy,
                self._initial,
                discount=config.discount,
                decay=config.decay,
            )
            self._adapted = adapt(self._policy, self._initial, self._rates, batch, differentiable=False)

    @override
    def fork(self) -> GradientInTrial:
        # Weights and episodes are replaced, never written into; a fork begins with an episode of its own.
        return fork_of(self)
