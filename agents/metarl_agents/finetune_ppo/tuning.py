"""PPO within trials: each world trains a network of its own on its own episodes, all worlds at once."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.func import functional_call, grad, vmap

from metarl_agents.common.networks import ActorCritic, torch_threads
from metarl_agents.common.ppo import Batch, ppo_losses
from metarl_agents.common.rollouts import generalised_advantages
from metarl_agents.common.stacked import Adam, Weights, clip_gradients, forward, stack
from metarl_agents.finetune_ppo.config import FinetunePpoConfig

Floats = NDArray[np.float32]
# The fields of each world's ``Batch``, and the log deviations of the policies that acted.
Rows = tuple[dict[str, Tensor], Tensor]


@dataclass
class Experience:
    """An episode of all worlds; the leading axes are [steps, worlds].

    Attributes:
        inputs: What the network saw, normalised.
        following: What it would have seen next.
        actions: As sampled, before clipping.
        means: Of the policy that acted.
        log_std: Of the policy that acted.
        rewards: Raw.
        terminal: The MDP ended with the step: nothing comes after it.
        active: The step was taken; the others are padding up to the horizon, so that the shapes do not tell a world
            about its neighbours.
    """

    inputs: Floats
    following: Floats
    actions: Floats
    means: Floats
    log_std: Floats
    rewards: NDArray[np.float64]
    terminal: NDArray[np.bool_]
    active: NDArray[np.bool_]

    @classmethod
    def empty(cls, steps: int, worlds: int, *, inputs: int, actions: int) -> Experience:
        """Returns arrays to be filled."""

        def numbers(size: int) -> Floats:
            return np.zeros((steps, worlds, size), np.float32)

        def flags() -> NDArray[np.bool_]:
            return np.zeros((steps, worlds), np.bool_)

        return cls(
            inputs=numbers(inputs),
            following=numbers(inputs),
            actions=numbers(actions),
            means=numbers(actions),
            log_std=numbers(actions),
            rewards=np.zeros((steps, worlds)),
            terminal=flags(),
            active=flags(),
        )

    def note(self, step: int, active: NDArray[np.bool_], **arrays: NDArray[Any]) -> None:
        """Writes a step of the worlds that are active; arrays [worlds, ...] by name."""
        self.active[step] = active
        for name, array in arrays.items():
            getattr(self, name)[step, active] = array[active]


class Tuner:
    """Policies and value functions of all worlds, and what trains them.

    Attributes:
        weights: Of each world's network.
    """

    def __init__(self, network: ActorCritic, config: FinetunePpoConfig, *, reward_factor: float, worlds: int) -> None:
        """Starts from the trained network.

        Args:
            network: Without memory.
            config: Settings.
            reward_factor: What rewards are multiplied with.
            worlds: Each gets a copy.
        """
        self._network = network
        self._config = config
        self._reward_factor = reward_factor
        self._no_state = network.fresh(1)
        self.weights = stack(network, worlds)
        self._adam = Adam.fresh(self.weights)

    @torch.no_grad()
    def predict(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Returns mean actions [worlds, steps, action] and values [worlds, steps] for inputs [worlds, steps, size]."""
        states = self._no_state.expand(len(inputs), *self._no_state.shape)
        means, values = forward(self._network, self.weights, inputs[:, :, None], states)
        return means[:, :, 0], values[:, :, 0]

    def tune(self, experience: Experience) -> None:
        """Takes all gradient steps on an episode."""
        config = self._config
        with torch_threads(config.learning_threads):
            rows = self.rows(experience)
            for _ in range(config.tuning_steps):
                gradients = clip_gradients(self.gradients(rows), config.gradient_clip)
                self.weights, self._adam = self._adam.step(self.weights, gradients, config.tuning_rate)

    def fork(self) -> Tuner:
        """Returns an independent copy; weights are replaced, never written into."""
        return copy.copy(self)

    def gradients(self, rows: Rows) -> Weights:
        """Returns the gradient of each world's loss."""
        found: Weights = vmap(grad(self._loss))(self.weights, *rows)
        return found

    def _loss(self, weights: Weights, fields: dict[str, Tensor], old_log_std: Tensor) -> Tensor:
        """Returns the loss of one world: no argument has the axis of worlds."""
        batch = Batch(**fields, state=self._no_state)
        means, values = functional_call(self._network, weights, (batch.inputs, batch.state))
        return ppo_losses(batch, means, values, weights["log_std"], old_log_std, self._config).total

    def rows(self, experience: Experience) -> Rows:
        """Returns what the gradient steps on an episode learn from."""
        steps = len(experience.active)
        ends = np.concatenate([~experience.active[1:], np.ones_like(experience.active[:1])])
        seen = np.concatenate([experience.inputs, experience.following])
        _, predicted = self.predict(torch.from_numpy(seen).transpose(0, 1))
        values, following = np.split(predicted.numpy().T, [steps])
        advantages = generalised_advantages(
            experience.rewards * self._reward_factor,
            values,
            np.where(experience.terminal, 0.0, following),
            ends,
            discount=self._config.discount,
            decay=self._config.decay,
        )
        fields = {
            "inputs": experience.inputs,
            "actions": experience.actions,
            "means": experience.means,
            "advantages": normalised(advantages, experience.active),
            "returns": advantages + values,
            "weights": experience.active.astype(np.float32),
        }
        return {name: _worlds_first(array) for name, array in fields.items()}, _worlds_first(experience.log_std)


def normalised(advantages: Floats, active: NDArray[np.bool_]) -> Floats:
    """Returns advantages [steps, worlds] with mean 0 and deviation 1 over the steps that each world took."""
    count = np.maximum(active.sum(axis=0), 1)
    centred = np.where(active, advantages - _mean(advantages, active, count), 0.0)
    spread = np.sqrt(_mean(centred**2, active, count))
    scaled: Floats = (centred / (spread + 1e-8)).astype(np.float32)
    return scaled


def _worlds_first(array: Floats) -> Tensor:
    """Returns [worlds, steps, 1, ...] from [steps, worlds, ...]: each world learns from one sequence."""
    return torch.from_numpy(array).transpose(0, 1).unsqueeze(2)


def _mean(array: NDArray[Any], active: NDArray[np.bool_], count: NDArray[np.int64]) -> NDArray[Any]:
    total: NDArray[Any] = np.where(active, array, 0.0).sum(axis=0)
    return total / count
