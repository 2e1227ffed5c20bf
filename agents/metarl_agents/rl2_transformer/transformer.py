"""A small causal transformer with layer norm before each branch (Xiong et al. 2020) and distances as a bias.

How long ago something was is told by ALiBi (Press et al. 2022): a score falls linearly with the distance, for each head
with a slope of its own. It has no parameters and no longest trial.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from metarl_agents.common.layers import blank_linear

# Units between the two maps of a feed-forward branch, per unit of the width.
WIDENING = 2
# Gain of the last map of each branch at the start. Branches begin as small corrections (Zhang et al. 2019, Fixup):
# transformers are known to learn badly from policy gradients otherwise (Parisotto et al. 2020, Melo 2022).
BRANCH_GAIN = 0.1


class Transformer(nn.Module):
    """Maps what a trial has shown up to each step to what is known at that step.

    Attributes:
        layers: From the inputs' side.
        slopes: Of the heads' scores, per step of distance [heads, 1, 1].
    """

    layers: Sequence[Layer]
    slopes: Tensor

    def __init__(self, inputs: int, units: int, *, heads: int, layers: int) -> None:
        super().__init__()
        self._embedding = nn.Sequential(blank_linear(inputs, units), nn.ReLU())
        self.layers = nn.ModuleList([Layer(units, heads) for _ in range(layers)])  # type: ignore[assignment]
        self._norm = nn.LayerNorm(units)
        slopes = torch.exp2(-8.0 / heads * torch.arange(1, heads + 1))
        self.register_buffer("slopes", slopes[:, None, None], persistent=False)

    def initialise(self, generator: torch.Generator) -> None:
        """Draws orthogonal weights."""
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.orthogonal_(module.weight, generator=generator)
                nn.init.zeros_(module.bias)
        for layer in self.layers:
            for last in (layer.mix, layer.narrow):
                nn.init.orthogonal_(last.weight, gain=BRANCH_GAIN, generator=generator)

    def embed(self, inputs: Tensor) -> Tensor:
        """Returns the first layer's input [..., units] for inputs [..., inputs]."""
        return self._embedding(inputs)  # type: ignore[no-any-return]

    def read(self, hidden: Tensor) -> Tensor:
        """Returns what is known [..., units], from the last layer's output."""
        return self._norm(hidden)  # type: ignore[no-any-return]

    def bias(self, distances: Tensor, hidden: Tensor) -> Tensor:
        """Returns what is added to the heads' scores [sequences, heads, 1, keys].

        Args:
            distances: Steps since each key, up to a constant per step [sequences, keys].
            hidden: Keys that no step must see [sequences, keys].
        """
        scores = -self.slopes * distances[:, None, None]
        return scores.masked_fill(hidden[:, None, None], -torch.inf)


class Layer(nn.Module):
    """Attention and a feed-forward branch, each added to what goes through."""

    def __init__(self, units: int, heads: int) -> None:
        super().__init__()
        self._heads = heads
        self._first_norm, self._second_norm = nn.LayerNorm(units), nn.LayerNorm(units)
        self._query = blank_linear(units, units)
        self._key_value = blank_linear(units, 2 * units)
        self.mix = blank_linear(units, units)
        self._widen, self.narrow = blank_linear(units, WIDENING * units), blank_linear(WIDENING * units, units)

    def remember(self, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """Returns keys and values of the layer's inputs.

        Args:
            hidden: [sequences, steps, units].

        Returns:
            Two arrays [sequences, heads, steps, units / heads].
        """
        keys, values = self._key_value(self._first_norm(hidden)).chunk(2, dim=-1)
        return self._split(keys), self._split(values)

    def forward(self, hidden: Tensor, keys: Tensor, values: Tensor, bias: Tensor) -> Tensor:
        """Returns the next layer's inputs.

        Args:
            hidden: [sequences, steps, units].
            keys: Of all that may be seen [sequences, heads, keys, units / heads].
            values: As the keys.
            bias: Added to the scores; broadcasts to [sequences, heads, steps, keys].
        """
        queries = self._split(self._query(self._first_norm(hidden)))
        found = functional.scaled_dot_product_attention(queries, keys, values, attn_mask=bias)
        hidden = hidden + self.mix(found.transpose(1, 2).flatten(2))
        widened = torch.relu(self._widen(self._second_norm(hidden)))
        return hidden + self.narrow(widened)  # type: ignore[no-any-return]

    def _split(self, rows: Tensor) -> Tensor:
        sequences, steps, units = rows.shape
        return rows.view(sequences, steps, self._heads, units // self._heads).transpose(1, 2)
