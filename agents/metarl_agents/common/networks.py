"""Policy and value networks over a trial: with a GRU as memory, or without."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from metarl_agents.common.config import Activation
from metarl_agents.common.gru import Gru
from metarl_agents.common.layers import blank_linear


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

    What the memory holds of trials, its *state*, is the network's own affair: ``fresh``, ``step``, ``forget``, ``keep``
    and ``copy`` make one from another. Here it is the GRU's state [worlds, memory].
    """

    recurrent: ClassVar[bool] = True

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
        activation: Activation = "tanh",
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
            activation: Of the heads' hidden layers.
        """
        super().__init__()
        self.memory = memory
        self._num_observed = num_observed
        self._gru = Gru(num_observed + num_history, memory) if memory and self.recurrent else None
        self._policy = _head(num_observed + memory, hidden, num_actions, activation)
        self._value = _head(num_observed + memory, hidden, 1, activation)
        self.log_std = nn.Parameter(torch.full((num_actions,), initial_log_std))
        self._initialise(generator)

    def fresh(self, num_worlds: int) -> Any:
        """Returns the state of trials that begin."""
        return torch.zeros(num_worlds, self.memory)

    def forget(self, state: Any, worlds: Tensor) -> Any:
        """Returns the state with new trials in some worlds (mask [worlds])."""
        return torch.where(worlds[:, None], 0.0, state)

    def keep(self, state: Any, before: Any, active: Tensor) -> Any:
        """Returns the state, but the one before the step for worlds that are not active (mask [worlds])."""
        return torch.where(active[:, None], state, before)

    def copy(self, state: Any) -> Any:
        """Returns a state that later steps from the first one leave alone."""
        return state.clone()

    def recall(self, state: Any) -> Any:
        """Returns what sequences that begin here need, where ``note`` does not say it; called before each rollout."""
        return None

    def note(self, inputs: Tensor, state: Any) -> Tensor:
        """Returns what ``values`` must know of the state before a step [worlds, memory]."""
        return state  # type: ignore[no-any-return]

    def step(self, inputs: Tensor, state: Any) -> tuple[Tensor, Tensor, Any]:
        """Takes one step.

        Args:
            inputs: [worlds, observed + history].
            state: Before the step.

        Returns:
            Mean actions [worlds, action], what ``note`` says of the step [worlds, memory], and the next state.
        """
        features, following = self._remember(inputs[None], state)
        return self._policy(features[0]), state, following

    def values(self, inputs: Tensor, noted: Tensor) -> Tensor:
        """Returns the value of each world [worlds], from a step's inputs and note."""
        features, _ = self._remember(inputs[None], noted)
        return self._value(features[0])[:, 0]  # type: ignore[no-any-return]

    def sequence(self, inputs: Tensor, state: Any) -> tuple[Tensor, Tensor]:
        """Takes whole sequences.

        Args:
            inputs: [steps, sequences, observed + history].
            state: Before the first step, as ``Rollout.state_at`` returns it.

        Returns:
            Mean actions [steps, sequences, action] and values [steps, sequences].
        """
        features, _ = self._remember(inputs, state)
        return self._policy(features), self._value(features)[..., 0]

    def forward(self, inputs: Tensor, state: Any) -> tuple[Tensor, Tensor]:
        """Takes whole sequences; ``torch.func.functional_call`` comes in here."""
        return self.sequence(inputs, state)

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


def _head(inputs: int, hidden: int, outputs: int, activation: Activation) -> nn.Sequential:
    sizes = (inputs, hidden, hidden, outputs)
    layers = [blank_linear(*pair) for pair in itertools.pairwise(sizes)]
    kind = nn.ReLU if activation == "relu" else nn.Tanh
    return nn.Sequential(layers[0], kind(), layers[1], kind(), layers[2])
