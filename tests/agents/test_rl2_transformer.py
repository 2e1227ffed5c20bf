"""The transformer against its definition, finite differences and its own limits."""

from __future__ import annotations

import math

import pytest
import torch

from metarl_agents.rl2_transformer.config import Rl2TransformerConfig
from metarl_agents.rl2_transformer.network import ROOM, Earlier, TransformerActorCritic
from metarl_agents.rl2_transformer.transformer import Layer, Transformer
from metarl_bench.errors import ConfigError


def make(*, layers: int, memory: int = 4, heads: int = 2) -> TransformerActorCritic:
    network = TransformerActorCritic(
        num_observed=2,
        num_history=2,
        num_actions=1,
        memory=memory,
        hidden=3,
        initial_log_std=-0.5,
        generator=torch.Generator().manual_seed(0),
        layers=layers,
        heads=heads,
    ).double()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += 0.3 * torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
    return network


def draw(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)


def earlier(lengths: list[int], *, layers: int) -> Earlier:
    longest = max(lengths)
    return Earlier(
        draw(len(lengths), longest, 4),
        tuple(draw(len(lengths), longest, 4) for _ in range(layers - 1)),
        torch.tensor(lengths),
    )


@pytest.mark.parametrize("layers", [1, 2])
def test_gradients_equal_finite_differences(layers: int) -> None:
    network, before = make(layers=layers), earlier([2, 0, 3], layers=layers)
    names = [name for name, _ in network.named_parameters()]

    class Sequence(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = network

        def forward(self, inputs: torch.Tensor, past: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            return network.sequence(inputs, Earlier(past, before.deeper, before.lengths))

    module = Sequence()

    def run(inputs: torch.Tensor, past: torch.Tensor, *parameters: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        named = {f"inner.{name}": parameter for name, parameter in zip(names, parameters, strict=True)}
        return torch.func.functional_call(module, named, (inputs, past))

    tensors = (draw(3, 3, 4), before.inputs, *network.parameters())
    leaves = [tensor.detach().clone().requires_grad_() for tensor in tensors]
    assert torch.autograd.gradcheck(run, leaves)


def test_a_later_input_changes_no_earlier_output() -> None:
    network, before = make(layers=2), earlier([2, 0, 3], layers=2)
    inputs = draw(6, 3, 4).requires_grad_()
    means, values = network.sequence(inputs, before)
    for step in range(6):
        (gradient,) = torch.autograd.grad(means[step].sum() + values[step].sum(), inputs, retain_graph=True)
        seen = gradient.abs().sum(dim=(1, 2)) > 0
        assert seen.tolist() == [later <= step for later in range(6)]


def test_what_is_behind_the_length_is_not_seen() -> None:
    network, before = make(layers=2), earlier([2, 0, 3], layers=2)
    inputs = draw(4, 3, 4)
    expected = network.sequence(inputs, before)
    unused = torch.arange(3) >= before.lengths[:, None]
    before.inputs[unused] = 1e3
    before.deeper[0][unused] = 1e3
    for found, value in zip(network.sequence(inputs, before), expected, strict=True):
        assert torch.equal(found, value)


def test_attention_equals_its_definition() -> None:
    transformer = Transformer(3, 4, heads=2, layers=1).double()
    transformer.initialise(torch.Generator().manual_seed(0))
    layer = transformer.layers[0]
    assert isinstance(layer, Layer)
    for parameter in layer.parameters():
        parameter.requires_grad_(requires_grad=False)
    hidden = draw(1, 5, 4)
    keys, values = layer.remember(hidden)
    bias = transformer.bias(-torch.arange(5)[None], hidden=torch.zeros(1, 5, dtype=torch.bool))
    bias = bias + torch.full((5, 5), -math.inf).triu(1)

    queries = layer._split(layer._query(layer._first_norm(hidden)))
    found = torch.zeros(5, 2, 2, dtype=torch.float64)
    for step in range(5):
        # The second of two heads has the slope 2^-8, the first 2^-4.
        for head, slope in enumerate((2**-4, 2**-8)):
            scores = [
                float(queries[0, head, step] @ keys[0, head, key]) / math.sqrt(2) - slope * (step - key)
                for key in range(step + 1)
            ]
            weights = torch.tensor(scores, dtype=torch.float64).softmax(dim=0)
            found[step, head] = weights @ values[0, head, : step + 1]
    mixed = hidden[0] + layer.mix(found.flatten(1))
    expected = mixed + layer.narrow(torch.relu(layer._widen(layer._second_norm(mixed))))
    assert torch.allclose(layer(hidden, keys, values, bias)[0], expected, atol=1e-6)


def test_the_cache_grows_with_the_trial() -> None:
    network, inputs = make(layers=2), draw(3 * ROOM, 2, 4)
    state, means = network.fresh(2), []
    with torch.inference_mode():
        for row in inputs:
            mean, _, state = network.step(row, state)
            means.append(mean)
    nothing = network.recall(network.fresh(2)).begin(torch.arange(2), torch.ones(2, dtype=torch.bool))
    expected, _ = network.sequence(inputs, nothing)
    assert state.inputs.shape[1] == 4 * ROOM
    assert torch.allclose(torch.stack(means), expected, atol=1e-6)


@pytest.mark.parametrize("wrong", [{"steps": 50}, {"memory": 30}, {"memory": 0}])
def test_settings_that_do_not_fit_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ConfigError):
        Rl2TransformerConfig(**wrong)
