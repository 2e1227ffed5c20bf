"""The written-out gradient against finite differences and against torch's own GRU."""

import torch
from torch import nn

from metarl_agents.common.gru import Gru


def made(dtype: torch.dtype) -> tuple[Gru, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    gru = Gru(3, 4).to(dtype)
    gru.initialise(generator)
    with torch.no_grad():
        for bias in (gru.input_bias, gru.state_bias):
            bias.copy_(torch.randn(bias.shape, generator=generator, dtype=dtype))
    inputs = torch.randn(4, 3, 3, generator=generator, dtype=dtype)
    return gru, inputs, torch.randn(3, 4, generator=generator, dtype=dtype)


def test_gradients_equal_finite_differences() -> None:
    gru, inputs, state = made(torch.float64)
    names = [name for name, _ in gru.named_parameters()]

    def run(inputs: torch.Tensor, *parameters: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(gru, dict(zip(names, parameters, strict=True)), (inputs, state))

    leaves = [tensor.detach().clone().requires_grad_() for tensor in (inputs, *gru.parameters())]
    assert torch.autograd.gradcheck(run, leaves)


def test_equals_torchs_gru_forward_and_backward() -> None:
    gru, inputs, state = made(torch.float64)
    theirs = nn.GRU(3, 4).double()
    theirs.load_state_dict(
        {
            "weight_ih_l0": gru.input_weight,
            "weight_hh_l0": gru.state_weight,
            "bias_ih_l0": gru.input_bias,
            "bias_hh_l0": gru.state_bias,
        }
    )
    ours, expected = gru(inputs, state), theirs(inputs, state[None])[0]
    assert torch.allclose(ours, expected, atol=1e-12)
    weights = torch.linspace(-1, 1, ours.numel(), dtype=torch.float64).view_as(ours)
    (ours * weights).sum().backward()
    (expected * weights).sum().backward()
    assert torch.allclose(gru.state_weight.grad, theirs.weight_hh_l0.grad, atol=1e-12)
    assert torch.allclose(gru.input_weight.grad, theirs.weight_ih_l0.grad, atol=1e-12)
    assert torch.allclose(gru.state_bias.grad, theirs.bias_hh_l0.grad, atol=1e-12)
