"""What a network over trials sees: normalised observation, task parameters (oracle only), and what happened last."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from metarl_agents.common.normalisers import RewardScale, RunningMoments
from metarl_bench.tasks import SuiteSpec

Floats = NDArray[np.float32]


class InputEncoder:
    """Builds rows [observation | privileged | previous action, previous reward, episode start].

    Attributes:
        num_observed: Length of the first two parts, which policy and value see.
        num_history: Length of the last part, which only a memory sees; 0 without one.
        num_privileged: Length of the second part; 0 in the standard division.
        observation_moments: Normalise observations.
        reward_moments: Normalise the rewards that a memory sees. Their own scale, not that of the return, which is so
            large that single rewards would all but vanish beside the observation.
        reward_scale: Scales the rewards that are learned from.
    """

    def __init__(self, suite: SuiteSpec, *, remembers: bool, privileged: bool) -> None:
        (num_observations,) = suite.observation_space.shape
        (self.num_actions,) = suite.action_space.shape
        self.num_privileged = suite.privileged_width if privileged else 0
        self.num_observed = num_observations + self.num_privileged
        self.num_history = self.num_actions + 2 if remembers else 0
        self.size = self.num_observed + self.num_history
        self._low, self._high = suite.action_space.low, suite.action_space.high
        self._centre, self._half_range = _privileged_scale(suite)
        self.observation_moments = RunningMoments(num_observations)
        self.reward_moments = RunningMoments(1)
        self.reward_scale = RewardScale()

    def no_history(self, num_worlds: int) -> Floats:
        """Returns the history at the start of a trial [worlds, action + 2]: nothing, and an episode starts."""
        history = np.zeros((num_worlds, self.num_actions + 2), np.float32)
        history[:, -1] = 1.0
        return history

    def history(
        self,
        before: Floats,
        actions: NDArray[np.floating[Any]],
        rewards: NDArray[np.float64],
        following: NDArray[np.float32],
    ) -> Floats:
        """Returns what a step leaves behind [worlds, action + 2]: here the step alone, nothing of what was before.

        Args:
            before: The history that the step was taken with [worlds, ...].
            actions: [worlds, action].
            rewards: Raw [worlds].
            following: Raw observations after the step, before any reset [worlds, observation].
        """
        executed = self.executed(actions)
        normalised = self.reward_moments.normalise(rewards[:, None])
        flag = np.zeros((len(rewards), 1))
        return np.concatenate([executed, normalised, flag], axis=1, dtype=np.float32, casting="same_kind")

    def executed(self, actions: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
        """Returns actions [..., action] clipped as the world does."""
        clipped: NDArray[np.floating[Any]] = np.minimum(np.maximum(actions, self._low), self._high)
        return clipped

    def mark_start(self, history: Floats, worlds: NDArray[np.bool_]) -> None:
        """Says in the history of some worlds that an episode starts."""
        history[worlds, -1] = 1.0

    def encode(
        self, observations: NDArray[np.float32], history: Floats, privileged: NDArray[np.float64] | None
    ) -> Floats:
        """Returns the network's inputs [worlds, size]."""
        parts = [self.observation_moments.normalise(observations)]
        if privileged is not None:
            parts.append(((privileged - self._centre) / self._half_range).astype(np.float32))
        if self.num_history:
            parts.append(history)
        return np.concatenate(parts, axis=1)


def _privileged_scale(suite: SuiteSpec) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Returns centre and half width of each privileged number's training range; one-hot kinds stay as they are."""
    centre: list[float] = []
    half_range: list[float] = []
    for parameter in suite.parameters:
        if parameter.choices:
            centre.extend([0.0] * len(parameter.choices))
            half_range.extend([1.0] * len(parameter.choices))
        else:
            centre.append((parameter.low + parameter.high) / 2)
            half_range.append((parameter.high - parameter.low) / 2)
    return np.array(centre), np.array(half_range)
