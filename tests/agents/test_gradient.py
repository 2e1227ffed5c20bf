"""What agents share that adapt by gradient steps: the inner step, gradients through it, the trust region."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from metarl_agents.common.gradient.baseline import generalised_advantages
from metarl_agents.common.gradient.episodes import Episodes, TaskBatch
from metarl_agents.common.gradient.inner import adapt, surrogate
from metarl_agents.common.gradient.policy import GaussianPolicy, detached, divergence, for_tasks
from metarl_agents.common.gradient.trpo import coordinates
from metarl_agents.common.gradient.trust_region import gauss_newton, improve, natural_direction
from metarl_agents.common.stacked import Weights

TASKS, EPISODES, STEPS = 3, 2, 5


def small_policy() -> tuple[GaussianPolicy, Weights]:
    policy = GaussianPolicy(2, 2, hidden=4)
    weights = policy.initial_weights(torch.Generator().manual_seed(0), log_std=-0.5)
    rng = np.random.default_rng(1)
    return policy, {name: w.double() + torch.from_numpy(rng.normal(0, 0.3, w.shape)) for name, w in weights.items()}


def some_episodes(seed: int) -> Episodes:
    rng = np.random.default_rng(seed)
    shape = (TASKS, EPISODES, STEPS)
    active = np.ones(shape, np.bool_)
    active[0, 1, 3:] = False
    observations, actions = (rng.normal(size=(*shape, 2)).astype(np.float32) for _ in range(2))
    return Episodes(observations, actions, rng.normal(size=shape), active)


def some_batch(policy: GaussianPolicy, acted: Weights, seed: int) -> TaskBatch:
    return TaskBatch.of(some_episodes(seed), policy, for_tasks(acted, TASKS), discount=0.9, decay=1.0)


def rates(weights: Weights) -> Weights:
    return {name: torch.full_like(weight, 0.5) for name, weight in weights.items()}


def at_point(weights: Weights, flat: Tensor) -> Weights:
    moved = {name: weight.clone() for name, weight in weights.items()}
    vector_to_parameters(flat, moved.values())
    return detached(moved)


def finite_differences(function: Callable[[Tensor], Tensor], point: Tensor, size: float = 1e-6) -> Tensor:
    """Returns derivatives of numbers or vectors, by the argument's coordinates [size, ...]."""
    steps = size * torch.eye(len(point), dtype=point.dtype)
    return torch.stack([(function(point + step) - function(point - step)) / (2 * size) for step in steps])


@pytest.mark.parametrize("differentiable", [True, False])
def test_gradient_goes_through_the_inner_step(differentiable: bool) -> None:
    policy, weights = small_policy()
    # The second batch is of other weights than the adapted ones, so that ratios are not 1.
    before, after = some_batch(policy, weights, 1), some_batch(policy, weights, 2)

    def gain(flat: Tensor) -> Tensor:
        shared = for_tasks(at_point(weights, flat), TASKS)
        adapted = adapt(policy, shared, rates(weights), before, differentiable=True)
        return surrogate(policy, adapted, after).mean().detach()

    leaves = detached(weights)
    adapted = adapt(policy, for_tasks(leaves, TASKS), rates(weights), before, differentiable=differentiable)
    found = parameters_to_vector(torch.autograd.grad(surrogate(policy, adapted, after).mean(), list(leaves.values())))
    expected = finite_differences(gain, parameters_to_vector(weights.values()))
    # Without the second derivatives the gradient is another one, so this can fail.
    assert torch.allclose(found, expected, rtol=1e-5, atol=1e-7) == differentiable


def test_metric_is_the_second_derivative_of_the_divergence_through_the_inner_step() -> None:
    policy, weights = small_policy()
    before, after = some_batch(policy, weights, 1), some_batch(policy, weights, 2)

    def adapted_at(leaves: Weights) -> Weights:
        return adapt(policy, for_tasks(leaves, TASKS), rates(weights), before, differentiable=True)

    start = {name: weight.detach() for name, weight in adapted_at(detached(weights)).items()}

    def slope(flat: Tensor) -> Tensor:
        leaves = at_point(weights, flat)
        rows = divergence(policy, start, adapted_at(leaves), after.observations)
        moved = (after.share * rows).sum(dim=1).mean()
        return parameters_to_vector(torch.autograd.grad(moved, list(leaves.values())))

    leaves = detached(weights)
    metric = gauss_newton(coordinates(policy, adapted_at(leaves), after), list(leaves.values()))
    size = sum(weight.numel() for weight in weights.values())
    found = torch.stack([metric(row) for row in torch.eye(size, dtype=torch.float64)])
    expected = finite_differences(slope, parameters_to_vector(weights.values()), size=1e-5)
    assert torch.allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_natural_direction_solves_the_linear_system() -> None:
    generator = torch.Generator().manual_seed(0)
    factor = torch.randn(8, 8, generator=generator, dtype=torch.float64)
    matrix = factor @ factor.T + torch.eye(8, dtype=torch.float64)
    gradient = torch.randn(8, generator=generator, dtype=torch.float64)
    found = natural_direction(gradient, lambda vector: matrix @ vector)
    assert torch.allclose(matrix @ found, gradient, atol=1e-3)


def test_step_ends_on_the_edge_of_the_trust_region_and_improves() -> None:
    point = torch.zeros(2, dtype=torch.float64)
    slope = torch.tensor([3.0, 4.0], dtype=torch.float64)
    step = improve(
        [point],
        gradient=slope,
        metric=lambda vector: vector,
        # Objective 3x + 4y, divergence (x^2 + y^2) / 2: the best point of radius r is sqrt(2r) (3, 4) / 5.
        evaluate=lambda: (float(slope @ point), float(point @ point) / 2 * (1 - 1e-9)),
        radius=0.02,
    )
    assert torch.allclose(point, torch.tensor([0.12, 0.16], dtype=torch.float64), rtol=1e-4)
    assert step.length == 1.0
    assert step.improvement == pytest.approx(1.0, rel=1e-4)


def test_no_step_is_taken_where_none_improves() -> None:
    point = torch.ones(2)
    step = improve(
        [point],
        gradient=torch.ones(2),
        metric=lambda vector: vector,
        evaluate=lambda: (-float((point - 1).square().sum()), 0.0),
        radius=0.02,
    )
    assert (step.length, step.improvement) == (0.0, 0.0)
    assert torch.equal(point, torch.ones(2))


def test_densities_and_divergences_are_those_of_torch() -> None:
    policy, weights = small_policy()
    other = {name: weight + 0.1 for name, weight in weights.items()}
    batch = some_batch(policy, weights, 1)
    old, new = (
        torch.distributions.Normal(
            policy.mean(for_tasks(each, TASKS), batch.observations), each["log_std"].exp(), validate_args=False
        )
        for each in (weights, other)
    )
    densities = policy.log_density(for_tasks(other, TASKS), batch.observations, batch.actions)
    assert torch.allclose(densities, new.log_prob(batch.actions).sum(dim=-1))
    found = divergence(policy, for_tasks(weights, TASKS), for_tasks(other, TASKS), batch.observations)
    assert torch.allclose(found, torch.distributions.kl_divergence(old, new).sum(dim=-1))


def test_returns_that_features_explain_leave_no_advantage() -> None:
    rng = np.random.default_rng(0)
    observations = rng.normal(size=(2, 3, 6, 2))
    active = np.ones((2, 3, 6), np.bool_)
    active[1, 2, 4:] = False
    # The reward to go is a linear function of the observation, where the episode goes on.
    values = np.where(active, observations @ np.array([1.0, -2.0]), 0.0)
    rewards = values - 0.9 * np.concatenate([values[..., 1:], np.zeros((2, 3, 1))], axis=-1)
    assert abs(generalised_advantages(observations, rewards, active, 0.9, 1.0)).max() < 1e-3


def test_advantages_see_nothing_after_an_episode_has_ended() -> None:
    episodes = some_episodes(3)
    padding = np.where(episodes.active, episodes.rewards, 1e6)
    found = generalised_advantages(episodes.observations, padding, episodes.active, 0.9, 1.0)
    clean = generalised_advantages(episodes.observations, episodes.rewards, episodes.active, 0.9, 1.0)
    assert np.array_equal(found[episodes.active], clean[episodes.active])


def test_a_task_adapts_as_it_would_alone() -> None:
    policy, weights = small_policy()
    batch = some_batch(policy, weights, 1)
    together = adapt(policy, for_tasks(detached(weights), TASKS), rates(weights), batch, differentiable=False)
    for task in range(TASKS):
        own = TaskBatch(*(part[task : task + 1] for part in batch))
        alone = adapt(policy, for_tasks(detached(weights), 1), rates(weights), own, differentiable=False)
        for name, weight in alone.items():
            assert torch.allclose(weight[0], together[name][task], rtol=1e-10)


def test_shorter_episodes_are_padded_when_joined() -> None:
    long, short = some_episodes(1), Episodes(*(part[:, :1, :2] for part in some_episodes(2)))
    joined = Episodes.joined([long, short])
    assert joined.active.shape == (TASKS, EPISODES + 1, STEPS)
    assert not joined.active[:, -1, 2:].any()
    assert np.array_equal(joined.rewards[:, -1, :2], short.rewards[:, 0])
