"""Perceptrons whose weights come from a given generator."""

from __future__ import annotations

import itertools
import math

import torch
from torch import Tensor, nn
from torch.nn.utils import skip_init


def blank_linear(inputs: int, outputs: int) -> nn.Linear:
    """Returns a layer whose weights are still to be drawn: torch's own drawing uses its global random state."""
    layer: nn.Linear = skip_init(nn.Linear, inputs, outputs)  # type: ignore[no-untyped-call]
    return layer


def perceptron(sizes: tuple[int, ...], generator: torch.Generator) -> nn.Sequential:
    """Returns linear layers with ReLU between them, initialised as torch does by default."""
    layers: list[nn.Module] = []
    for inputs, outputs in itertools.pairwise(sizes):
        layer = blank_linear(inputs, outputs)
        bound = 1 / math.sqrt(inputs)
        for weight in (layer.weight, layer.bias):
            nn.init.uniform_(weight, -bound, bound, generator=generator)
        layers += [layer, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


class Stacked(nn.Module):
    """Several perceptrons of one shape, computed by one batched product a layer."""

    def __init__(self, count: int, sizes: tuple[int, ...], generator: torch.Generator) -> None:
        super().__init__()
        self.weights = nn.ParameterList()
        self.biases = nn.ParameterList()
        for inputs, outputs in itertools.pairwise(sizes):
            bound = 1 / math.sqrt(inputs)
            for group, shape in ((self.weights, (count, inputs, outputs)), (self.biases, (count, 1, outputs))):
                group.append(nn.Parameter(nn.init.uniform_(torch.empty(shape), -bound, bound, generator=generator)))

    def forward(self, inputs: Tensor) -> Tensor:
        """Returns the outputs [count, rows, output] for inputs [rows, input] that all perceptrons share."""
        layers = list(zip(self.weights, self.biases, strict=True))
        flow = inputs.expand(len(layers[0][0]), *inputs.shape)
        for weight, bias in layers[:-1]:
            flow = torch.baddbmm(bias, flow, weight).relu()
        return torch.baddbmm(layers[-1][1], flow, layers[-1][0])
