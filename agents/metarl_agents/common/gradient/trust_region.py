"""A trust-region step: natural gradient by conjugate gradients, then a line search (Schulman et al. 2015)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils import parameters_to_vector, vector_to_parameters

CG_STEPS = 10
DAMPING = 1e-5
LINE_SEARCH_STEPS = 15
BACKTRACK = 0.8


@dataclass(frozen=True)
class TrustRegionStep:
    """What a step did.

    Attributes:
        improvement: Of the objective; 0 where no step was taken.
        divergence: From the policies before it.
        length: Share of the full step that the line search took; 0 for none.
    """

    improvement: float
    divergence: float
    length: float


def natural_direction(gradient: Tensor, metric: Callable[[Tensor], Tensor]) -> Tensor:
    """Returns an approximate solution x of metric(x) = gradient [size], by conjugate gradients."""
    solution = torch.zeros_like(gradient)
    residual, direction = gradient.clone(), gradient.clone()
    norm = residual @ residual
    for _ in range(CG_STEPS):
        if float(norm) < 1e-10:
            break
        product = metric(direction) + DAMPING * direction
        size = norm / (direction @ product)
        solution = solution + size * direction
        residual = residual - size * product
        previous, norm = norm, residual @ residual
        direction = residual + norm / previous * direction
    return solution


def gauss_newton(outputs: Tensor, parameters: Sequence[Tensor]) -> Callable[[Tensor], Tensor]:
    """Returns v -> J^T J v for the Jacobian J of some outputs [...], by two backward passes on one graph."""
    dummy = torch.zeros_like(outputs, requires_grad=True)
    pulled = torch.autograd.grad(outputs, parameters, grad_outputs=dummy, create_graph=True)
    flat = parameters_to_vector(pulled)

    def product(vector: Tensor) -> Tensor:
        # J^T u is linear in u, so its gradient towards u, weighted by v, is J v.
        (pushed,) = torch.autograd.grad(flat, dummy, grad_outputs=vector, retain_graph=True)
        back = torch.autograd.grad(outputs, parameters, grad_outputs=pushed, retain_graph=True)
        return parameters_to_vector(back)

    return product


def improve(
    parameters: Sequence[Tensor],
    *,
    gradient: Tensor,
    metric: Callable[[Tensor], Tensor],
    evaluate: Callable[[], tuple[float, float]],
    radius: float,
) -> TrustRegionStep:
    """Moves parameters within the trust region, or not at all.

    Args:
        parameters: Changed in place.
        gradient: Of the objective, which is to rise [size].
        metric: Multiplies a vector [size] with the second derivative of the divergence.
        evaluate: Returns objective and divergence at the present parameters.
        radius: Largest divergence.
    """
    start = parameters_to_vector(parameters).detach().clone()
    before, _ = evaluate()
    direction = natural_direction(gradient, metric)
    curvature = float(direction @ metric(direction))
    if not curvature > 0:
        return TrustRegionStep(0.0, 0.0, 0.0)
    full = (2 * radius / curvature) ** 0.5 * direction
    for attempt in range(LINE_SEARCH_STEPS):
        length = BACKTRACK**attempt
        vector_to_parameters(start + length * full, parameters)
        after, divergence = evaluate()
        if after > before and divergence <= radius:
            return TrustRegionStep(after - before, divergence, length)
    vector_to_parameters(start, parameters)
    return TrustRegionStep(0.0, 0.0, 0.0)
