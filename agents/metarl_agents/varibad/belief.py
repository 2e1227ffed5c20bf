"""The belief about the task, q(m | trial so far), and what the policy sees of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from typing_extensions import override

from metarl_agents.common.gru import Gru
from metarl_agents.common.inputs import Floats, InputEncoder
from metarl_agents.common.layers import blank_linear
from metarl_agents.common.normalisers import RunningMoments
from metarl_bench.tasks import SuiteSpec

# Units of the layers that read a step's parts, as in the reference implementation.
ACTION_UNITS, OBSERVATION_UNITS, REWARD_UNITS = 16, 32, 16


class BeliefEncoder(nn.Module):
    """A GRU over the trial whose state gives the mean and the log variance of a Gaussian.

    Attributes:
        latent: Numbers that a task is described by.
        units: Of the GRU.
    """

    def __init__(self, *, observation: int, action: int, latent: int, units: int, generator: torch.Generator) -> None:
        super().__init__()
        self.latent, self.units = latent, units
        self._action = linear(action, ACTION_UNITS, generator)
        self._observation = linear(observation, OBSERVATION_UNITS, generator)
        self._reward = linear(1, REWARD_UNITS, generator)
        self._gru = Gru(ACTION_UNITS + OBSERVATION_UNITS + REWARD_UNITS, units)
        self._gru.initialise(generator)
        self._head = linear(units, 2 * latent, generator, gain=1.0)

    def forward(self, actions: Tensor, observations: Tensor, rewards: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Reads steps.

        Args:
            actions: As executed [steps, trials, action].
            observations: Normalised, those that the actions led to [steps, trials, observation].
            rewards: Raw [steps, trials, 1].
            state: Before the first step [trials, units]; zero at the start of a trial.

        Returns:
            After every step, the state [steps, trials, units] and the belief, mean beside log variance
            [steps, trials, 2 * latent].
        """
        parts = [self._action(actions), self._observation(observations), self._reward(rewards)]
        states = self._gru(torch.cat(parts, dim=-1).relu(), state)
        return states, self._head(states)


class BeliefInputs(InputEncoder):
    """Builds the policy's inputs [observation | belief | previous action], all of which both heads see.

    The history of a world holds the GRU's state, the belief (mean, log variance), and the previous action. Before the
    first step of a trial all are zero, which makes the belief the prior: a standard normal distribution.

    Attributes:
        belief: Updates the belief; learned elsewhere.
        belief_moments: Normalise the belief that the policy sees.
    """

    def __init__(self, suite: SuiteSpec, belief: BeliefEncoder) -> None:
        super().__init__(suite, remembers=False, privileged=False)
        self.belief = belief
        self.belief_moments = RunningMoments(2 * belief.latent)
        self.num_observed += 2 * belief.latent + self.num_actions
        self.size = self.num_observed

    @override
    def no_history(self, num_worlds: int) -> Floats:
        return np.zeros((num_worlds, self.belief.units + 2 * self.belief.latent + self.num_actions), np.float32)

    @override
    def mark_start(self, history: Floats, worlds: NDArray[np.bool_]) -> None:
        """Does nothing: what is known about the task does not change when an episode starts."""

    @override
    def history(
        self,
        before: Floats,
        actions: NDArray[np.floating[Any]],
        rewards: NDArray[np.float64],
        following: NDArray[np.float32],
    ) -> Floats:
        """Returns the history after a step [worlds, units + 2 * latent + action], as its base takes its arguments."""
        executed = self.executed(actions).astype(np.float32)
        observations = self.observation_moments.normalise(following)
        with torch.inference_mode():
            states, belief = self.belief(
                torch.from_numpy(executed)[None],
                torch.from_numpy(observations)[None],
                torch.from_numpy(rewards.astype(np.float32))[None, :, None],
                torch.from_numpy(before[:, : self.belief.units]),
            )
        return np.concatenate([states[0].numpy(), belief[0].numpy(), executed], axis=1)

    def belief_in(self, history: Floats) -> Floats:
        """Returns the belief [worlds, 2 * latent] that a history holds."""
        return history[:, self.belief.units : -self.num_actions]

    @override
    def encode(
        self, observations: NDArray[np.float32], history: Floats, privileged: NDArray[np.float64] | None
    ) -> Floats:
        normalised = self.observation_moments.normalise(observations)
        belief = self.belief_moments.normalise(self.belief_in(history))
        return np.concatenate([normalised, belief, history[:, -self.num_actions :]], axis=1)


def linear(inputs: int, outputs: int, generator: torch.Generator, *, gain: float = 2**0.5) -> nn.Linear:
    """Returns a layer with orthogonal weights and a bias of zero."""
    layer = blank_linear(inputs, outputs)
    nn.init.orthogonal_(layer.weight, gain=gain, generator=generator)
    nn.init.zeros_(layer.bias)
    return layer
