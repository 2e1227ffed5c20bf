"""Meta-gradients against the exact return after the step, in an MDP of two states that can be enumerated."""

import itertools
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from typing_extensions import override

from metarl_agents.common.gradient.episodes import TaskBatch
from metarl_agents.common.gradient.inner import surrogate
from metarl_agents.common.gradient.policy import GaussianPolicy
from metarl_agents.common.gradient.trpo import TrustRegionAgent
from metarl_agents.common.stacked import Weights
from metarl_bench.agents import TrialShape
from metarl_bench.registry import AGENTS, make_config, make_suite

SUITE = "toy/point-robot-v1"
RATE = 0.7
# By state; by state and action, where each leads; by task, state and action, what it pays.
START = torch.tensor([0.5, 0.5], dtype=torch.float64)
CHANGE = torch.tensor([[[0.5, 0.5], [0.0, 1.0]], [[0.0, 1.0], [1.0, 0.0]]], dtype=torch.float64)
REWARDS = torch.tensor([[[1.0, -0.5], [0.0, 2.0]], [[-1.0, 1.5], [0.5, -2.0]]], dtype=torch.float64)
# All probabilities are multiples of a half or a third, so that copies can stand for them.
POLICY = torch.tensor([[1 / 3, 2 / 3], [2 / 3, 1 / 3]], dtype=torch.float64)
TASKS, STATES, ACTIONS = REWARDS.shape


class Table(GaussianPolicy):
    """A softmax over one row of logits for each state; states and actions are one-hot."""

    def __init__(self) -> None:
        super().__init__(STATES, ACTIONS, hidden=1)

    @override
    def log_density(self, weights: Weights, observations: Tensor, actions: Tensor) -> Tensor:
        return ((observations @ weights["logits"]).log_softmax(dim=-1) * actions).sum(dim=-1)


class Path(NamedTuple):
    """A trajectory: states and actions by step, and how likely the world makes it, whatever the policy."""

    states: tuple[int, ...]
    actions: tuple[int, ...]
    chance: float

    def likelihood(self, logits: Tensor) -> Tensor:
        """Returns the probability of the trajectory under logits [..., states, actions]."""
        return self.chance * logits.softmax(dim=-1)[..., self.states, self.actions].prod(dim=-1)

    def rewards_to_go(self, rewards: Tensor) -> Tensor:
        """Returns what is still to come from each step on [steps], for rewards [states, actions]."""
        return rewards[self.states, self.actions].flip(0).cumsum(0).flip(0)


def paths(steps: int) -> Iterator[Path]:
    for states in itertools.product(range(STATES), repeat=steps):
        for actions in itertools.product(range(ACTIONS), repeat=steps):
            chance = float(START[states[0]])
            for (state, action), following in zip(zip(states, actions, strict=True), states[1:], strict=False):
                chance *= float(CHANGE[state, action, following])
            yield Path(states, actions, chance)


def value(logits: Tensor, rewards: Tensor, steps: int) -> Tensor:
    """Returns the expected return, by dynamic programming and without trajectories."""
    to_go = torch.zeros(STATES, dtype=logits.dtype)
    for _ in range(steps):
        to_go = (logits.softmax(dim=-1) * (rewards + CHANGE @ to_go)).sum(dim=-1)
    return START @ to_go


def held_value(logits: Tensor, acted: Tensor, rewards: Tensor, steps: int) -> Tensor:
    """Returns the same, with visits to states and what follows an action held as the acting policy has them."""
    policy, new = acted.softmax(dim=-1), logits.softmax(dim=-1)
    to_go = [torch.zeros(STATES, dtype=logits.dtype)]
    for _ in range(steps):
        to_go.append((policy * (rewards + CHANGE @ to_go[-1])).sum(dim=-1))
    visits, total = START, torch.zeros((), dtype=logits.dtype)
    for step in range(steps):
        total = total + (visits[:, None] * new * (rewards + CHANGE @ to_go[steps - 1 - step])).sum()
        visits = torch.einsum("s,sa,sat->t", visits, policy, CHANGE)
    return total


def stepped(function: Callable[[Tensor], Tensor], logits: Tensor) -> Tensor:
    """Returns logits after a gradient step up a function."""
    leaf = logits.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(function(leaf), leaf)
    return logits + RATE * gradient


def slope(function: Callable[[Tensor], Tensor], logits: Tensor) -> Tensor:
    """Returns central differences by each logit."""
    size = 1e-5
    moves = size * torch.eye(logits.numel(), dtype=logits.dtype).reshape(-1, *logits.shape)
    return torch.stack([(function(logits + m) - function(logits - m)) / (2 * size) for m in moves]).view_as(logits)


def build(agent_id: str) -> TrustRegionAgent:
    """Returns an agent with a table for a policy."""
    suite, spec = make_suite(SUITE), AGENTS.get(agent_id)
    trial = TrialShape(adaptation_episodes=1, evaluation_episodes=1, horizon=suite.spec.horizon)
    agent = spec.build(suite.spec, trial, make_config(spec, suite.spec), np.random.default_rng(0))
    assert isinstance(agent, TrustRegionAgent)
    logits = POLICY.log()
    agent.policy = Table()
    agent.weights = nn.ParameterDict({"logits": nn.Parameter(logits)})
    agent.rates = nn.ParameterDict({"logits": nn.Parameter(torch.full_like(logits, RATE), requires_grad=False)})
    return agent


def rows(found: list[Path], rewards: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Returns one-hot states, one-hot actions and rewards to go of all steps of some trajectories [rows, ...]."""
    states = torch.eye(STATES, dtype=torch.float64)[torch.tensor([path.states for path in found])]
    actions = torch.eye(ACTIONS, dtype=torch.float64)[torch.tensor([path.actions for path in found])]
    to_go = torch.stack([path.rewards_to_go(rewards) for path in found])
    return states.flatten(0, 1), actions.flatten(0, 1), to_go.flatten()


def everything(policy: Table, acted: Tensor, rewards: Tensor, steps: int) -> TaskBatch:
    """Returns all trajectories, each step with the probability of its trajectory for a share.

    Args:
        policy: The table.
        acted: Logits of each row of the batch [batch, states, actions].
        rewards: Of each [batch, states, actions].
        steps: Of a trajectory.
    """
    found = list(paths(steps))
    observations, actions, to_go = (torch.stack(part) for part in zip(*(rows(found, r) for r in rewards), strict=True))
    share = torch.stack([path.likelihood(acted) for path in found], dim=1).repeat_interleave(steps, dim=1)
    density = policy.log_density({"logits": acted}, observations, actions)
    return TaskBatch(observations, actions, to_go, share, density)


@pytest.mark.parametrize("steps", [1, 3])
def test_mamls_meta_gradient_is_that_of_the_exact_return_after_the_step(steps: int) -> None:
    """Exact where an episode has one step; in longer ones without how a step changes what comes before and after it.

    The likelihood ratio of single steps holds visits and rewards to go as they were, and so leaves these terms out of
    the inner step's derivative (not out of the step itself).
    """
    agent = build("maml")
    policy, start = agent.policy, POLICY.log()
    assert isinstance(policy, Table)
    before = everything(policy, start.expand(TASKS, -1, -1), REWARDS, steps)
    adapted = agent.adapted(before, differentiable=True)
    after = everything(policy, adapted["logits"].detach(), REWARDS, steps)
    (found,) = torch.autograd.grad(agent.objective(adapted, before, after, np.zeros(TASKS)), agent.learned())

    def exact(logits: Tensor) -> Tensor:
        ends = [value(stepped(lambda x, r=r: value(x, r, steps), logits), r, steps) for r in REWARDS]
        return torch.stack(ends).mean()

    def held(logits: Tensor) -> Tensor:
        ends = [value(stepped(lambda x, r=r: held_value(x, start, r, steps), logits), r, steps) for r in REWARDS]
        return torch.stack(ends).mean()

    for task, rewards in enumerate(REWARDS):
        expected = stepped(lambda x, r=rewards: value(x, r, steps), start)
        assert torch.allclose(adapted["logits"][task], expected, rtol=1e-10)
    assert torch.allclose(found, slope(held, start), rtol=1e-6, atol=1e-9)
    assert torch.allclose(found, slope(exact, start), rtol=1e-2, atol=1e-9) == (steps == 1)
    ends = adapted["logits"].detach()
    first_order = [slope(lambda x, r=r: value(x, r, steps), end) for r, end in zip(REWARDS, ends, strict=True)]
    assert not torch.allclose(found, torch.stack(first_order).mean(dim=0), rtol=1e-2)


def test_e_maml_credits_exploration_for_the_exact_return_after_the_step() -> None:
    """A step on a single explored episode: the expectation over it is exact, by copies in proportion to probability.

    The credit's weight is the one that the README gives: a mean over the episode's steps, and normalised returns.
    """
    agent, steps = build("e-maml"), 2
    policy, start = agent.policy, POLICY.log()
    assert isinstance(policy, Table)
    found = list(paths(steps))
    # A start, an action, where it leads, and another action.
    parts_of_one = 2 * 3 * 2 * 3
    copies = [round(float(path.likelihood(start)) * parts_of_one) for path in found]
    assert np.allclose(np.array(copies) / parts_of_one, [float(path.likelihood(start)) for path in found])
    explored = [path for path, number in zip(found, copies, strict=True) for _ in range(number)] * TASKS
    rewards = REWARDS.repeat_interleave(sum(copies), dim=0)
    parts = zip(*(rows([path], r) for path, r in zip(explored, rewards, strict=True)), strict=True)
    observations, actions, to_go = (torch.stack(part) for part in parts)
    acted = start.expand(len(explored), -1, -1)
    share = torch.full_like(to_go, 1 / steps)
    density = policy.log_density({"logits": acted}, observations, actions)
    before = TaskBatch(observations, actions, to_go, share, density)

    adapted = agent.adapted(before, differentiable=True)
    ends = adapted["logits"].detach()
    after = everything(policy, ends, rewards, steps)
    returns = torch.stack([value(end, r, steps) for end, r in zip(ends, rewards, strict=True)]).numpy()
    whole = agent.objective(adapted, before, after, returns)
    through_step = surrogate(policy, adapted, after).mean()
    gradients = [
        torch.autograd.grad(part, agent.learned(), retain_graph=True)[0]
        for part in (through_step, whole - through_step)
    ]
    credited = gradients[0] + steps * returns.std() * gradients[1]

    def step_on(path: Path, rewards: Tensor, logits: Tensor) -> Tensor:
        old = start.softmax(dim=-1)[path.states, path.actions]
        to_go = path.rewards_to_go(rewards)
        return stepped(lambda x: (x.softmax(dim=-1)[path.states, path.actions] / old * to_go).mean(), logits)

    def expectation(logits: Tensor) -> Tensor:
        ends = [p.likelihood(logits) * value(step_on(p, r, logits), r, steps) for r in REWARDS for p in found]
        return torch.stack(ends).sum() / TASKS

    assert torch.allclose(credited, slope(expectation, start), rtol=1e-6, atol=1e-9)
    assert not torch.allclose(gradients[0], slope(expectation, start), rtol=1e-2)
