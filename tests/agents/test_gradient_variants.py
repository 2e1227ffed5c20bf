"""What tells MAML's kin apart: the outer step of each, against its own equation written out a second time."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from metarl_agents.common.gradient.agent import GradientAgent
from metarl_agents.common.gradient.episodes import Episodes, TaskBatch
from metarl_agents.common.gradient.inner import adapt
from metarl_agents.common.gradient.policy import GaussianPolicy, detached, for_tasks
from metarl_agents.common.gradient.trpo import TrustRegionAgent, coordinates
from metarl_agents.common.gradient.trust_region import gauss_newton, natural_direction
from metarl_agents.common.stacked import Weights
from metarl_bench.agents import TrialShape
from metarl_bench.registry import AGENTS, make_config, make_suite

SUITE = "toy/point-robot-v1"
TASKS = 3
RETURNS = np.array([1.0, -2.0, 4.0])


def build(agent_id: str, **overrides: Any) -> GradientAgent:
    """Returns a small agent in float64, the same weights for each id."""
    suite, spec = make_suite(SUITE), AGENTS.get(agent_id)
    config = dataclasses.replace(make_config(spec, suite.spec), hidden=4, inner_rate=0.5, **overrides)
    trial = TrialShape(adaptation_episodes=2, evaluation_episodes=1, horizon=suite.spec.horizon)
    agent = spec.build(suite.spec, trial, config, np.random.default_rng(0))
    assert isinstance(agent, GradientAgent)
    agent.weights.double()
    agent.rates.double()
    return agent


def batches(agent: GradientAgent) -> tuple[TaskBatch, TaskBatch]:
    """Returns what the initialisation did in each task, and what the weights after the inner step did."""
    shared = for_tasks(detached(dict(agent.weights.items())), TASKS)
    before = _batch(agent.policy, shared, seed=1)
    return before, _batch(agent.policy, detached(agent.adapted(before, differentiable=False)), seed=2)


def _batch(policy: GaussianPolicy, acted: Weights, *, seed: int) -> TaskBatch:
    rng = np.random.default_rng(seed)
    shape = (TASKS, 2, 5)
    observations = rng.normal(size=(*shape, policy.num_observed)).astype(np.float32)
    actions = rng.normal(size=(*shape, policy.num_actions)).astype(np.float32)
    episodes = Episodes(observations, actions, rng.normal(size=shape), np.ones(shape, np.bool_))
    return TaskBatch.of(episodes, policy, acted, discount=0.9, decay=1.0)


def acting(weights: Weights, observations: Tensor) -> torch.distributions.Normal:
    """Returns the distribution of one task's actions, by the layers' definition [rows, action]."""
    hidden = torch.tanh(observations @ weights["weight0"] + weights["bias0"])
    hidden = torch.tanh(hidden @ weights["weight1"] + weights["bias1"])
    mean = hidden @ weights["weight2"] + weights["bias2"]
    return torch.distributions.Normal(mean, weights["log_std"].exp())


def density(weights: Weights, observations: Tensor, actions: Tensor) -> Tensor:
    """Returns log densities of one task's actions [rows]."""
    return acting(weights, observations).log_prob(actions).sum(dim=-1)


def ratio(weights: Weights, batch: TaskBatch, task: int) -> Tensor:
    """Returns how much likelier the actions are than when they were taken [rows]."""
    return (density(weights, batch.observations[task], batch.actions[task]) - batch.log_density[task]).exp()


def gain(weights: Weights, batch: TaskBatch, task: int) -> Tensor:
    """Returns the mean of ratio x advantage."""
    return (ratio(weights, batch, task) * batch.advantages[task]).mean()


def step(weights: Weights, rates: Weights, batch: TaskBatch, task: int) -> Weights:
    """Returns leaves: the weights after one step up the gain."""
    leaves = detached(weights)
    gradients = torch.autograd.grad(gain(leaves, batch, task), list(leaves.values()))
    moved = {name: w + rates[name] * g for (name, w), g in zip(leaves.items(), gradients, strict=True)}
    return detached(moved)


def maml(weights: Weights, rates: Weights, before: TaskBatch, after: TaskBatch) -> Tensor:
    """Finn et al. 2017, equation 1 and algorithm 3, with the likelihood-ratio form of the gain."""
    return torch.stack([gain(step(weights, rates, before, t), after, t) for t in range(TASKS)]).mean().detach()


def e_maml(weights: Weights, rates: Weights, before: TaskBatch, after: TaskBatch) -> Tensor:
    """Stadie et al. 2018: the likelihood of what explored counts, too, by the return that came of it."""
    credit = torch.from_numpy((RETURNS - RETURNS.mean()) / RETURNS.std())
    explored = torch.stack([credit[t] * ratio(weights, before, t).mean() for t in range(TASKS)]).mean()
    return maml(weights, rates, before, after) + explored.detach()


def promp(weights: Weights, rates: Weights, before: TaskBatch, after: TaskBatch, *, clip: float) -> Tensor:
    """Rothfuss et al. 2019, equation 12, without the divergence."""
    gains = []
    for task in range(TASKS):
        moved = ratio(step(weights, rates, before, task), after, task)
        clipped = moved.clamp(1 - clip, 1 + clip)
        gains.append(torch.minimum(moved * after.advantages[task], clipped * after.advantages[task]).mean())
    return torch.stack(gains).mean().detach()


def slope(
    objective: Callable[[Weights, Weights], Tensor], weights: Weights, rates: Weights, *, of_rates: bool = False
) -> Tensor:
    """Returns central differences of an objective by all weights, then by all rates if wanted [numbers]."""
    parts = [*weights.items(), *((f"rate {name}", rate) for name, rate in rates.items() if of_rates)]
    flat = parameters_to_vector([part for _, part in parts]).detach()

    def at(point: Tensor) -> Tensor:
        moved = {name: part.detach().clone() for name, part in parts}
        vector_to_parameters(point, moved.values())
        return objective(
            {name: moved[name] for name in weights}, {name: moved.get(f"rate {name}", rates[name]) for name in rates}
        )

    steps = 1e-6 * torch.eye(len(flat), dtype=flat.dtype)
    return torch.stack([(at(flat + each) - at(flat - each)) / 2e-6 for each in steps])


def held(agent: GradientAgent) -> tuple[Weights, Weights]:
    """Returns copies of an agent's weights and rates."""
    copies = ({k: v.detach().clone() for k, v in each.items()} for each in (agent.weights, agent.rates))
    weights, rates = copies
    return weights, rates


def first_order(agent: GradientAgent, before: TaskBatch, after: TaskBatch) -> Tensor:
    """Returns the gradient at each task's adapted weights, a mean over the tasks [numbers]."""
    weights, rates = held(agent)
    found = []
    for task in range(TASKS):
        adapted = step(weights, rates, before, task)
        found.append(parameters_to_vector(torch.autograd.grad(gain(adapted, after, task), list(adapted.values()))))
    return torch.stack(found).mean(dim=0)


def natural(agent: GradientAgent, gradient: Tensor, before: TaskBatch, after: TaskBatch) -> Tensor:
    """Returns where a trust region points for a gradient; the metric has tests of its own [numbers]."""
    weights, rates = (detached(each) for each in held(agent))
    parameters = list(weights.values())
    if agent.rates["log_std"].requires_grad:
        parameters += list(rates.values())
    second = agent.differentiable
    adapted = adapt(agent.policy, for_tasks(weights, TASKS), rates, before, differentiable=second)
    return natural_direction(gradient, gauss_newton(coordinates(agent.policy, adapted, after), parameters))


def cosine(one: Tensor, other: Tensor) -> float:
    return float(torch.nn.functional.cosine_similarity(one, other, dim=0))


def taken(agent: GradientAgent, before: TaskBatch, after: TaskBatch) -> Tensor:
    """Returns the way of an outer step, through weights and rates [numbers]."""
    start = [*agent.weights.values(), *agent.rates.values()]
    old = parameters_to_vector(start).detach().clone()
    agent.improve(before, after, RETURNS)
    return parameters_to_vector(start).detach() - old


@pytest.mark.parametrize("agent_id", ["maml", "e-maml", "fo-maml"])
def test_trust_region_steps_follow_the_equation_of_their_own_agent(agent_id: str) -> None:
    agent = build(agent_id, metric_stride=1)
    before, after = batches(agent)
    weights, rates = held(agent)
    gradients = {
        "maml": slope(lambda w, r: maml(w, r, before, after), weights, rates),
        "e-maml": slope(lambda w, r: e_maml(w, r, before, after), weights, rates),
        "fo-maml": first_order(agent, before, after),
    }
    expected = {name: natural(agent, gradient, before, after) for name, gradient in gradients.items()}
    way, of_rates = taken(agent, before, after).chunk(2)
    assert not of_rates.any()
    found = {name: cosine(way, direction) for name, direction in expected.items()}
    assert found.pop(agent_id) > 0.9999
    assert max(found.values()) < 0.99


@pytest.mark.parametrize("agent_id", ["maml", "e-maml", "fo-maml", "meta-sgd"])
def test_a_trust_region_step_does_what_it_reports(agent_id: str) -> None:
    agent = build(agent_id, metric_stride=1)
    assert isinstance(agent, TrustRegionAgent)
    before, after = batches(agent)
    start = held(agent)
    figures = agent.improve(before, after, RETURNS)
    end = held(agent)
    objective = e_maml if agent_id == "e-maml" else maml
    gained = objective(*end, before, after) - objective(*start, before, after)
    moved = 0.0
    for task in range(TASKS):
        old, new = (acting(step(*each, before, task), after.observations[task]) for each in (start, end))
        moved += float(torch.distributions.kl_divergence(old, new).sum(dim=-1).mean().detach()) / TASKS
    assert figures["improvement"] == pytest.approx(float(gained), rel=1e-6)
    assert figures["kl"] == pytest.approx(moved, rel=1e-6)
    assert gained > 0
    # A step that uses little of its trust region would keep it without a line search.
    assert 0.3 * agent.config.radius < moved <= agent.config.radius


def test_meta_sgd_follows_the_gradient_by_weights_and_rates() -> None:
    agent = build("meta-sgd", metric_stride=1)
    before, after = batches(agent)
    weights, rates = held(agent)
    both = slope(lambda w, r: maml(w, r, before, after), weights, rates, of_rates=True)
    by_weights = torch.cat([both.chunk(2)[0], torch.zeros(len(both) // 2, dtype=both.dtype)])
    expected, wrong = (natural(agent, gradient, before, after) for gradient in (both, by_weights))
    way = taken(agent, before, after)
    assert cosine(way, expected) > 0.9999
    assert cosine(way, wrong) < 0.99
    found = torch.cat([rate.detach().flatten() for rate in agent.rates.values()])
    assert len(found.unique()) == len(found)  # one for each weight


def test_promp_follows_equation_12() -> None:
    clip, settings = 0.3, {"clip": 0.3, "kl_weight": 1e-12, "learning_rate": 0.02}
    agent, twin = (build("promp", epochs=epochs, **settings) for epochs in (1, 2))
    before, after = batches(agent)
    weights, rates = held(agent)
    agent.improve(before, after, RETURNS)
    first = parameters_to_vector([w.grad for w in agent.weights.values() if w.grad is not None])
    # Both gradients below are at the start, where no ratio is clipped.
    assert torch.allclose(-first, slope(lambda w, r: maml(w, r, before, after), weights, rates), rtol=1e-4, atol=1e-7)
    assert not torch.allclose(-first, first_order(twin, before, after), rtol=1e-2)
    # The twin's second gradient is taken where the first agent has come to; there some ratios are clipped.
    moved, _ = held(agent)
    twin.improve(before, after, RETURNS)
    second = parameters_to_vector([w.grad for w in twin.weights.values() if w.grad is not None])
    clipped = slope(lambda w, r: promp(w, r, before, after, clip=clip), moved, rates)
    free = slope(lambda w, r: maml(w, r, before, after), moved, rates)
    assert torch.allclose(-second, clipped, rtol=1e-4, atol=1e-6)
    assert not torch.allclose(-second, free, rtol=1e-2)


def test_reptile_moves_towards_where_two_steps_lead() -> None:
    agent = build("reptile")
    before, after = batches(agent)
    weights, rates = held(agent)
    once = [step(weights, rates, before, task) for task in range(TASKS)]
    twice = [step(each, rates, after, task) for task, each in enumerate(once)]
    agent.improve(before, after, RETURNS)
    for name, weight in agent.weights.items():
        assert weight.grad is not None
        ways = torch.stack([weights[name] - each[name] for each in twice])
        assert torch.allclose(weight.grad, ways.mean(dim=0).detach(), rtol=1e-6, atol=1e-10)
        halves = torch.stack([weights[name] - each[name] for each in once])
        assert not torch.allclose(weight.grad, halves.mean(dim=0).detach(), rtol=1e-2)
