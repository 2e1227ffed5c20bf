"""Policy and value function with a transformer over the trial as memory."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from typing_extensions import override

from metarl_agents.common.config import Activation
from metarl_agents.common.networks import ActorCritic
from metarl_agents.rl2_transformer.transformer import Transformer

# Steps for which a cache has room at first; it doubles when it is full.
ROOM = 64


@dataclass(frozen=True)
class Cache:
    """What the transformer holds of trials: all they have shown, and what its layers made of it.

    States share their tensors: a step writes behind a world's length, and what is there is not seen before the length
    is raised.

    Attributes:
        inputs: [worlds, room, inputs].
        keys: Per layer [worlds, heads, room, units / heads].
        values: As the keys.
        lengths: Steps of each world's trial so far [worlds].
    """

    inputs: Tensor
    keys: tuple[Tensor, ...]
    values: tuple[Tensor, ...]
    lengths: Tensor

    def with_room(self) -> Cache:
        """Returns a cache into which every world can write another step."""
        room = self.inputs.shape[1]
        if int(self.lengths.max()) < room:
            return self
        return Cache(
            inputs=_doubled(self.inputs),
            keys=tuple(map(_doubled, self.keys)),
            values=tuple(map(_doubled, self.values)),
            lengths=self.lengths,
        )


@dataclass(frozen=True)
class Earlier:
    """The part of trials that comes before some sequences.

    Attributes:
        inputs: [sequences, earlier, inputs].
        deeper: Inputs of the layers but the first, which take no gradient (Dai et al. 2019)
            [sequences, earlier, units].
        lengths: Steps of each sequence's trial so far; what is behind them means nothing [sequences].
    """

    inputs: Tensor
    deeper: tuple[Tensor, ...]
    lengths: Tensor

    def __getitem__(self, sequences: Tensor) -> Earlier:
        """Returns what comes before some of the sequences."""
        lengths = self.lengths[sequences]
        longest = int(lengths.max()) if len(lengths) else 0
        return Earlier(
            self.inputs[sequences, :longest], tuple(layer[sequences, :longest] for layer in self.deeper), lengths
        )

    def begin(self, worlds: Tensor, starts: Tensor) -> Earlier:
        """Returns what comes before sequences in some worlds: nothing, where a trial starts."""
        lengths = torch.where(starts, 0, self.lengths[worlds])
        return Earlier(self.inputs[worlds], tuple(layer[worlds] for layer in self.deeper), lengths)


class TransformerActorCritic(ActorCritic):
    """An ``ActorCritic`` that attends to the whole trial; at each step it notes what the transformer knows there."""

    recurrent: ClassVar[bool] = False

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
        layers: int,
        heads: int,
        activation: Activation = "tanh",
    ) -> None:
        """Makes the network.

        Args:
            num_observed: Numbers that both heads see.
            num_history: Numbers that only the memory sees.
            num_actions: Size of an action.
            memory: The transformer's width.
            hidden: Units of each of the two hidden layers of a head.
            initial_log_std: Of the policy, state-independent.
            generator: Draws the initial weights.
            layers: Of the transformer.
            heads: Of each layer's attention.
            activation: Of the heads' hidden layers.
        """
        super().__init__(
            num_observed=num_observed,
            num_history=num_history,
            num_actions=num_actions,
            memory=memory,
            hidden=hidden,
            initial_log_std=initial_log_std,
            generator=generator,
            activation=activation,
        )
        self._num_inputs, self._num_heads = num_observed + num_history, heads
        self._transformer = Transformer(self._num_inputs, memory, heads=heads, layers=layers)
        self._transformer.initialise(generator)

    @override
    def fresh(self, num_worlds: int) -> Cache:
        layers = range(len(self._transformer.layers))
        parameter = self.log_std.detach()
        keys = (num_worlds, self._num_heads, ROOM, self.memory // self._num_heads)
        return Cache(
            inputs=parameter.new_zeros(num_worlds, ROOM, self._num_inputs),
            keys=tuple(parameter.new_zeros(keys) for _ in layers),
            values=tuple(parameter.new_zeros(keys) for _ in layers),
            lengths=torch.zeros(num_worlds, dtype=torch.int64),
        )

    @override
    def forget(self, state: Cache, worlds: Tensor) -> Cache:
        return dataclasses.replace(state, lengths=torch.where(worlds, 0, state.lengths))

    @override
    def keep(self, state: Cache, before: Cache, active: Tensor) -> Cache:
        return dataclasses.replace(state, lengths=torch.where(active, state.lengths, before.lengths))

    @override
    def copy(self, state: Cache) -> Cache:
        return Cache(
            inputs=state.inputs.clone(),
            keys=tuple(keys.clone() for keys in state.keys),
            values=tuple(values.clone() for values in state.values),
            lengths=state.lengths,
        )

    @override
    def recall(self, state: Cache) -> Earlier:
        """Also brings the cache up to date with the weights, which may have changed since it was filled."""
        longest = int(state.lengths.max())
        with torch.inference_mode():
            deeper = self._refresh(state, longest)
        # Copies, since a tensor of inference mode cannot take part in learning.
        inputs, lengths = state.inputs[:, :longest].clone(), state.lengths.clone()
        return Earlier(inputs, tuple(layer.clone() for layer in deeper), lengths)

    @override
    def note(self, inputs: Tensor, state: Cache) -> Tensor:
        return self.step(inputs, state)[1]

    @override
    def step(self, inputs: Tensor, state: Cache) -> tuple[Tensor, Tensor, Cache]:
        state = state.with_room()
        worlds, longest = torch.arange(len(inputs)), int(state.lengths.max()) + 1
        state.inputs[worlds, state.lengths] = inputs
        places = torch.arange(longest)
        distances = state.lengths[:, None] - places
        bias = self._transformer.bias(distances, hidden=distances < 0)
        hidden = self._transformer.embed(inputs)[:, None]
        for layer, keys, values in zip(self._transformer.layers, state.keys, state.values, strict=True):
            key, value = layer.remember(hidden)
            keys[worlds, :, state.lengths], values[worlds, :, state.lengths] = key[:, :, 0], value[:, :, 0]
            hidden = layer(hidden, keys[:, :, :longest], values[:, :, :longest], bias)
        known = self._transformer.read(hidden[:, 0])
        return self._policy(self._features(inputs, known)), known, dataclasses.replace(state, lengths=state.lengths + 1)

    @override
    def values(self, inputs: Tensor, noted: Tensor) -> Tensor:
        return self._value(self._features(inputs, noted))[:, 0]  # type: ignore[no-any-return]

    @override
    def sequence(self, inputs: Tensor, state: Earlier) -> tuple[Tensor, Tensor]:
        transformer, earlier = self._transformer, state.inputs.shape[1]
        bias = self._bias(state.lengths, earlier=earlier, steps=len(inputs))
        hidden = transformer.embed(inputs.transpose(0, 1))
        before = (transformer.embed(state.inputs), *state.deeper)
        for layer, known in zip(transformer.layers, before, strict=True):
            keys, values = map(_joined, layer.remember(known), layer.remember(hidden))
            hidden = layer(hidden, keys, values, bias)
        features = self._features(inputs, transformer.read(hidden).transpose(0, 1))
        return self._policy(features), self._value(features)[..., 0]

    def _refresh(self, state: Cache, longest: int) -> list[Tensor]:
        """Fills keys and values anew; returns the inputs of the layers but the first."""
        layers = self._transformer.layers
        hidden, deeper = self._transformer.embed(state.inputs[:, :longest]), []
        for index, layer in enumerate(layers):
            keys, values = layer.remember(hidden)
            state.keys[index][:, :, :longest], state.values[index][:, :, :longest] = keys, values
            if index + 1 < len(layers):
                bias = self._bias(state.lengths.new_zeros(1), earlier=0, steps=longest)
                hidden = layer(hidden, keys, values, bias)
                deeper.append(hidden)
        return deeper

    def _features(self, inputs: Tensor, known: Tensor) -> Tensor:
        return torch.cat([inputs[..., : self._num_observed], known], dim=-1)

    def _bias(self, lengths: Tensor, *, earlier: int, steps: int) -> Tensor:
        """Returns the scores' bias for sequences of ``steps`` steps, behind ``earlier`` places for what was before."""
        before = lengths[:, None] - torch.arange(earlier)
        now = torch.arange(steps)
        distances = torch.cat([before, -now.expand(len(lengths), steps)], dim=1)
        unused = torch.cat([before <= 0, torch.zeros(len(lengths), steps, dtype=torch.bool)], dim=1)
        bias = self._transformer.bias(distances, hidden=unused)
        return bias + bias.new_full((steps, earlier + steps), -torch.inf).triu(earlier + 1)


def _joined(before: Tensor, now: Tensor) -> Tensor:
    return torch.cat([before, now], dim=-2)


def _doubled(rows: Tensor) -> Tensor:
    """Returns rows [..., room, size] with room for as many again."""
    return torch.cat([rows, torch.zeros_like(rows)], dim=-2)
