"""Policy and value networks over a trial: with a GRU as memory, or without."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.utils import skip_init

from metarl_agents.common.gru import Gru


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Sets the number of threads that torch computes with, for a while.

    While worlds are stepped it must be one: a second one competes with the physics threads (18-42 % slower).
    """
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class ActorCritic(nn.Module):
    """A Gaussian policy and a value function on [observation, memory].

    Inputs are [observed | history]: ``observed`` goes to the memory and to both heads, ``history`` (previous action,
    previous reward, episode start) to the memory alone.
    """

    def __init__(
        self,
        *,
        num_observed: int,
        num_history: int,
        num_actions: int,
        memory: int,
        hidden: int,
        initial_log_std: float,
        generator: torch.Generator,
    ) -> None:
        """Makes the network.

        Args:
            num_observed: Numbers that both heads see.
            num_history: Numbers that only the memory sees.
            num_actions: Size of an action.
            memory: Units of the GRU; 0 for a memoryless network.
            hidden: Units of each of the two hidden layers of a head.
            initial_log_std: Of the policy, state-independent.
            generator: Draws the initial weights.
        """
        super().__init__()
        self.memory = memory
        self._num_observed = num_observed
        self._gru = Gru(num_observed + num_history, memory) if memory else None
        self._policy = _head(num_observed + memory, hidden, num_actions)
        self._value = _head(num_observed + memory, hidden, 1)
        self.log_std = nn.Parameter(torch.full((num_actions,), initial_log_std))
        self._initialise(generator)

    def step(self, inputs: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Takes one step.

        Args:
            inputs: [worlds, observed + history].
            state: [worlds, memory].

        Returns:
            Mean actions [worlds, action] and the next state [worlds, memory].
        """
        features, state = self._remember(inputs[None], state)
        return self._policy(features[0]), state

    def values(self, inputs: Tensor, state: Tensor) -> Tensor:
        """Returns the value of each world [worlds], as ``step`` takes its arguments."""
        features, _ = self._remember(inputs[None], state)
        return self._value(features[0])[:, 0]  # type: ignore[no-any-return]

    def sequence(self, inputs: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Takes whole sequences.

        Args:
            inputs: [steps, sequences, observed + history].
            state: Before the first step [sequences, memory].

        Returns:
            Mean actions [steps, sequences, action] and values [steps, sequences].
        """
        features, _ = self._remember(inputs, state)
        return self._policy(features), self._value(features)[..., 0]

    def _remember(self, inputs: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        observed = inputs[..., : self._num_observed]
        if self._gru is None:
            return observed, state
        states = self._gru(inputs, state)
        return torch.cat([observed, states], dim=-1), states[-1]

    def _initialise(self, generator: torch.Generator) -> None:
        """Draws orthogonal weights; the policy's last layer is small, so that actions start near zero."""
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.orthogonal_(module.weight, gain=2**0.5, generator=generator)
                nn.init.zeros_(module.bias)
        if self._gru is not None:
            self._gru.initialise(generator)
        for head, gain in ((self._policy, 0.01), (self._value, 1.0)):
            last = head[-1]
            if isinstance(last, nn.Linear):
                nn.init.orthogonal_(last.weight, gain=gain, generator=generator)


def _head(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    sizes = (inputs, hidden, hidden, outputs)
    # Without torch's own initialisation, which draws on its global random state.
    layers = [skip_init(nn.Linear, *pair) for pair in itertools.pairwise(sizes)]  # type: ignore[no-untyped-call]
    return nn.Sequential(layers[0], nn.Tanh(), layers[1], nn.Tanh(), layers[2])
