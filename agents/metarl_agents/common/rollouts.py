"""Collects experience over trials: several episodes of one task, through which the agent's memory lives on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from metarl_agents.common.inputs import InputEncoder
from metarl_agents.common.networks import ActorCritic
from metarl_bench.metering import TrainingGround

Floats = NDArray[np.float32]


@dataclass
class Rollout:
    """Some steps of all worlds; the leading axes are [steps, worlds].

    Attributes:
        inputs: What the network saw, normalised, float32.
        states: What the network noted of its memory at each step (of a GRU, the state before it), float32.
        actions: As sampled, before clipping, float32.
        means: Of the policy, float32.
        rewards: Raw, float64.
        starts: Whether a trial began at the step.
        ends: Whether the return ended with the step: at the end of a trial, or of an episode.
        terminal: Whether it ended because the MDP did: nothing comes after it.
        observed: Raw observations, for the normaliser.
        following: Per step with ends (and for the last step), the worlds and the inputs and note after the step.
        earlier: What the network recalled of the trials before the first step, where the notes do not say it.
    """

    inputs: Floats
    states: Floats
    actions: Floats
    means: Floats
    rewards: NDArray[np.float64]
    starts: NDArray[np.bool_]
    ends: NDArray[np.bool_]
    terminal: NDArray[np.bool_]
    observed: Floats
    following: list[tuple[int, NDArray[np.intp], Floats, Floats]] = field(default_factory=list)
    earlier: Any = None

    @classmethod
    def empty(cls, steps: int, worlds: int, *, inputs: int, memory: int, actions: int, observed: int) -> Rollout:
        """Returns arrays to be filled."""

        def numbers(size: int) -> Floats:
            return np.zeros((steps, worlds, size), np.float32)

        def flags() -> NDArray[np.bool_]:
            return np.zeros((steps, worlds), np.bool_)

        return cls(
            inputs=numbers(inputs),
            states=numbers(memory),
            actions=numbers(actions),
            means=numbers(actions),
            rewards=np.zeros((steps, worlds)),
            starts=flags(),
            ends=flags(),
            terminal=flags(),
            observed=numbers(observed),
        )

    def state_at(self, steps: NDArray[np.intp], worlds: NDArray[np.intp]) -> Any:
        """Returns what the network knew before some steps, each of which begins the rollout or a trial.

        Of a GRU, whose states are all noted, any step will do.
        """
        if self.earlier is None:
            return torch.from_numpy(self.states[steps, worlds])
        return self.earlier.begin(torch.from_numpy(worlds), torch.from_numpy(self.starts[steps, worlds]))


class TrialCollector:
    """Steps metered worlds with a policy, trial after trial.

    Worlds are staggered within the trial, so that every batch holds early and late steps of it.
    """

    def __init__(
        self,
        ground: TrainingGround,
        network: ActorCritic,
        encoder: InputEncoder,
        *,
        num_worlds: int,
        episodes: int,
        stagger: int,
        rng: np.random.Generator,
        across_episodes: bool = True,
    ) -> None:
        """Opens worlds and begins a trial in each.

        Args:
            ground: Where training happens.
            network: The policy, shared with the learner.
            encoder: Makes the network's inputs, shared with the learner.
            num_worlds: Worlds of the batch.
            episodes: Episodes of a trial.
            stagger: First trials are cut by multiples of this many steps.
            rng: For the actions.
            across_episodes: Whether returns run on through the borders of a trial's episodes.
        """
        self._ground = ground
        self._network = network
        self._encoder = encoder
        self._worlds = ground.make_worlds(num_worlds)
        self._episodes = episodes
        self._across_episodes = across_episodes
        self._rng = rng
        length = episodes * ground.suite.horizon
        self._left = length - np.arange(num_worlds) * length // num_worlds // stagger * stagger
        self._played = np.zeros(num_worlds, np.int64)
        everyone = np.ones(num_worlds, np.bool_)
        self._worlds.set_tasks(ground.sample_tasks(num_worlds))
        self._observations, _ = self._worlds.reset()
        self._history = encoder.no_history(num_worlds)
        self._state = network.fresh(num_worlds)
        self._starts = everyone
        self._privileged = self._see_privileged()

    def collect(self, steps: int) -> Rollout:
        """Returns the next steps of all worlds; torch must be down to one thread."""
        worlds = self._worlds
        rollout = Rollout.empty(
            steps,
            worlds.num_envs,
            inputs=self._encoder.size,
            memory=self._network.memory,
            actions=self._encoder.num_actions,
            observed=self._observations.shape[1],
        )
        std = self._network.log_std.detach().exp().numpy()
        noise = self._rng.standard_normal(rollout.actions.shape, dtype=np.float32) * std
        rollout.earlier = self._network.recall(self._state)
        with torch.inference_mode():
            for step in range(steps):
                self._step(step, noise[step], rollout)
        return rollout

    def _step(self, step: int, noise: Floats, rollout: Rollout) -> None:
        inputs = self._encoder.encode(self._observations, self._history, self._privileged)
        mean, noted, self._state = self._network.step(torch.from_numpy(inputs), self._state)
        rollout.inputs[step], rollout.states[step] = inputs, noted.numpy()
        rollout.starts[step], rollout.observed[step] = self._starts, self._observations
        rollout.means[step] = mean.numpy()
        rollout.actions[step] = rollout.means[step] + noise
        following, rewards, terminated, truncated, _ = self._worlds.step(rollout.actions[step])
        rollout.rewards[step] = rewards
        self._history = self._encoder.history(self._history, rollout.actions[step], rewards, following)
        self._observations = following
        self._end(step, terminated, truncated, rollout)

    def _end(self, step: int, terminated: NDArray[np.bool_], truncated: NDArray[np.bool_], rollout: Rollout) -> None:
        """Begins new episodes and new trials where they ended, after noting what would have come next."""
        self._left -= 1
        episode_ends = terminated | truncated
        self._played += episode_ends
        trial_ends = (self._left <= 0) | (self._played >= self._episodes)
        ends = trial_ends if self._across_episodes else trial_ends | episode_ends
        rollout.ends[step] = ends
        rollout.terminal[step] = ends & terminated
        cut = np.ones_like(ends) if step == len(rollout.ends) - 1 else ends
        if cut.any():
            ended = np.flatnonzero(cut)
            inputs = self._encoder.encode(self._observations, self._history, self._privileged)
            noted = self._network.note(torch.from_numpy(inputs), self._state).numpy()
            rollout.following.append((step, ended, inputs[ended], noted[ended]))
        self._starts = trial_ends
        if trial_ends.any():
            self._begin_trials(trial_ends)
        restart = episode_ends | trial_ends
        if restart.any():
            self._observations, _ = self._worlds.reset(options={"reset_mask": restart})
            self._encoder.mark_start(self._history, restart)

    def _begin_trials(self, mask: NDArray[np.bool_]) -> None:
        self._worlds.set_tasks(self._ground.sample_tasks(int(mask.sum())), mask)
        self._left[mask] = self._episodes * self._ground.suite.horizon
        self._played[mask] = 0
        self._state = self._network.forget(self._state, torch.from_numpy(mask))
        self._history[mask] = 0.0
        self._privileged = self._see_privileged()

    def _see_privileged(self) -> NDArray[np.float64] | None:
        return self._worlds.privileged_parameters() if self._encoder.num_privileged else None


@torch.no_grad()
def values_and_bootstraps(network: ActorCritic, rollout: Rollout) -> tuple[NDArray[Any], NDArray[Any]]:
    """Returns the value of every step, and of what follows each step.

    Returns:
        Two arrays [steps, worlds]; the second holds the next step's value, or, where a trial or the rollout was cut,
        that of the observation that would have come next (0 after a true end of the MDP).
    """
    steps, worlds = rollout.ends.shape
    inputs, states = _flat(rollout.inputs), _flat(rollout.states)
    values = network.values(inputs, states).numpy().reshape(steps, worlds)
    following = np.concatenate([values[1:], values[-1:]])
    for step, ended, next_inputs, next_states in rollout.following:
        following[step, ended] = network.values(torch.from_numpy(next_inputs), torch.from_numpy(next_states)).numpy()
    following[rollout.terminal] = 0.0
    return values, following


def generalised_advantages(
    rewards: NDArray[Any],
    values: NDArray[Any],
    following: NDArray[Any],
    ends: NDArray[np.bool_],
    *,
    discount: float,
    decay: float,
) -> NDArray[np.float32]:
    """Returns generalised advantage estimates (Schulman et al. 2016) [steps, worlds].

    They run on through the borders of episodes and stop at the end of a trial.
    """
    deltas: NDArray[np.float64] = rewards + discount * following - values
    advantages = np.zeros_like(deltas)
    running = np.zeros(deltas.shape[1])
    for step in reversed(range(len(deltas))):
        running = deltas[step] + discount * decay * np.where(ends[step], 0.0, running)
        advantages[step] = running
    return advantages.astype(np.float32)


def _flat(array: Floats) -> Tensor:
    steps, worlds, size = array.shape
    return torch.from_numpy(array.reshape(steps * worlds, size))
