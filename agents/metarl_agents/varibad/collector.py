"""Collects experience with the belief, and keeps every trial for the autoencoder."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from metarl_agents.common.networks import ActorCritic
from metarl_agents.common.rollouts import Floats, Rollout, TrialCollector
from metarl_agents.varibad.belief import BeliefInputs
from metarl_agents.varibad.trials import OpenTrials, TrialBuffer
from metarl_bench.metering import TrainingGround


class RecordingCollector(TrialCollector):
    """As its base; copies each trial to a buffer when it ends, and takes the statistics of the beliefs."""

    def __init__(
        self,
        ground: TrainingGround,
        network: ActorCritic,
        inputs: BeliefInputs,
        buffer: TrialBuffer,
        *,
        num_worlds: int,
        episodes: int,
        stagger: int,
        rng: np.random.Generator,
        across_episodes: bool = True,
    ) -> None:
        super().__init__(
            ground,
            network,
            inputs,
            num_worlds=num_worlds,
            episodes=episodes,
            stagger=stagger,
            rng=rng,
            across_episodes=across_episodes,
        )
        self._inputs = inputs
        self._buffer = buffer
        self._open = OpenTrials(num_worlds, ground.suite, episodes)
        self._beliefs: list[Floats] = []

    @override
    def collect(self, steps: int) -> Rollout:
        rollout = super().collect(steps)
        self._inputs.belief_moments.update(np.stack(self._beliefs))
        self._beliefs.clear()
        return rollout

    @override
    def _end(self, step: int, terminated: NDArray[np.bool_], truncated: NDArray[np.bool_], rollout: Rollout) -> None:
        self._open.add(
            rollout.observed[step],
            self._inputs.executed(rollout.actions[step]),
            rollout.rewards[step],
            self._observations,
            episode_ends=terminated | truncated,
        )
        self._beliefs.append(self._inputs.belief_in(self._history).copy())
        super()._end(step, terminated, truncated, rollout)
        trial_ends = self._starts
        if trial_ends.any():
            self._buffer.add(self._open, trial_ends)
            self._open.clear(trial_ends)
