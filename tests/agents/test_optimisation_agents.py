"""MAML and its kin on problems whose optimum is known."""

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch

from metarl_agents.common.gradient.agent import GradientAgent
from metarl_agents.common.gradient.collection import play
from metarl_agents.common.gradient.episodes import Episodes, TaskBatch
from metarl_agents.common.gradient.inner import adapt
from metarl_agents.common.gradient.policy import detached, for_tasks
from metarl_agents.common.gradient.trpo import TrustRegionAgent
from metarl_agents.common.stacked import Weights
from metarl_bench.agents import Transition, TrialShape
from metarl_bench.metering import TrainingGround
from metarl_bench.protocols import LITE
from metarl_bench.registry import AGENTS, make_config, make_suite
from metarl_bench.seeding import generator
from metarl_suites.toy.optimum import optimal_return

SUITE = "toy/point-robot-v1"
TRUST_REGION = ["maml", "e-maml", "fo-maml", "meta-sgd"]


def build(agent_id: str, **overrides: Any) -> GradientAgent:
    suite, spec = make_suite(SUITE), AGENTS.get(agent_id)
    config = dataclasses.replace(make_config(spec, suite.spec), **overrides)
    trial = TrialShape(adaptation_episodes=20, evaluation_episodes=1, horizon=suite.spec.horizon)
    agent = spec.build(suite.spec, trial, config, np.random.default_rng(0))
    assert isinstance(agent, GradientAgent)
    return agent


class Bandit:
    """Two arms, left and right of zero along the first action; which of them pays 1 is the task."""

    def __init__(self, agent: GradientAgent, tasks: int, pulls: int) -> None:
        self.agent = agent
        self.arms = np.where(np.arange(tasks) % 2, 1.0, -1.0)
        self.pulls = pulls
        self.rng = np.random.default_rng(1)
        self.figures: dict[str, float] = {}

    def play(self, weights: Weights) -> tuple[TaskBatch, np.ndarray]:
        """Returns what a step learns from, and the mean reward of each task."""
        policy = self.agent.policy
        shape = (len(self.arms), self.pulls, 1)
        observations = np.zeros((*shape, policy.num_observed), np.float32)
        with torch.no_grad():
            mean = policy.mean(weights, torch.from_numpy(observations[:, :, 0]))
            std = weights["log_std"].exp()
        noise = self.rng.standard_normal(mean.shape, dtype=np.float32)
        actions = (mean + std * torch.from_numpy(noise)).numpy()[:, :, None]
        rewards = (np.sign(actions[..., 0]) == self.arms[:, None, None]).astype(np.float64)
        episodes = Episodes(observations, actions, rewards, np.ones(shape, np.bool_))
        return TaskBatch.of(episodes, policy, weights, discount=1.0, decay=1.0), episodes.returns

    def iterate(self) -> tuple[float, float]:
        """Takes an outer step; returns the mean reward before and after the inner step."""
        agent = self.agent
        shared = {name: w.detach() for name, w in for_tasks(dict(agent.weights.items()), len(self.arms)).items()}
        before, first = self.play(shared)
        adapted = {name: w.detach() for name, w in agent.adapted(before, differentiable=False).items()}
        after, second = self.play(adapted)
        self.figures = agent.improve(before, after, second)
        return float(first.mean()), float(second.mean())


@pytest.mark.parametrize("agent_id", ["maml", "e-maml", "fo-maml", "meta-sgd", "promp"])
def test_one_step_finds_the_arm_that_pays(agent_id: str) -> None:
    faster = {"learning_rate": 0.003} if agent_id == "promp" else {}
    bandit = Bandit(build(agent_id, inner_rate=0.05, **faster), tasks=20, pulls=20)
    rewards = [bandit.iterate() for _ in range(60)]
    assert rewards[0][1] < 0.9  # what the first weights reach with so small a step
    # Before the step nothing tells the arms apart: one half is the optimum. After it, it is 1.
    assert np.mean([before for before, _ in rewards[-5:]]) == pytest.approx(0.5, abs=0.1)
    assert np.mean([after for _, after in rewards[-5:]]) > 0.95


@pytest.mark.parametrize("agent_id", TRUST_REGION)
def test_each_update_improves_and_stays_in_the_trust_region(agent_id: str) -> None:
    agent = build(agent_id, num_worlds=100)
    assert isinstance(agent, TrustRegionAgent)
    suite = make_suite(SUITE)
    resolved = dataclasses.replace(LITE, adaptation_episodes=20).resolve(suite)
    ground = TrainingGround(suite, trial=resolved.trial, budget=40_000, until=40_000, key=("test",), segment=0)
    rng = generator("test")
    for until in range(4_000, 40_001, 4_000):
        agent.meta_train(ground, until=until, rng=rng)
        figures = agent.training_log()
        assert 0 < figures["kl"] <= agent.config.radius
        assert figures["improvement"] > 0
    assert ground.steps == 40_000


def test_the_inner_step_alone_climbs_to_the_optimum_of_the_point_robot() -> None:
    """Nothing is meta-learned here: the step, repeated from where it led, is plain policy gradient and must converge.

    What meta-training adds on this suite, ``test_learning.py`` shows.
    """
    agent, suite, tasks, episodes = build("maml"), make_suite(SUITE), 4, 20
    chosen = suite.sample_tasks(tasks, np.random.default_rng(1))
    worlds = suite.make_worlds(tasks * episodes)
    worlds.set_tasks([task for task in chosen for _ in range(episodes)])
    worlds.reset(seed=0)
    rng, weights = np.random.default_rng(2), detached(agent.shared(tasks))
    for rate in np.geomspace(0.2, 0.02, 150).tolist():
        found, _ = play(worlds, agent.policy, weights, agent.moments, rng)
        batch = TaskBatch.of(found, agent.policy, weights, discount=0.9, decay=0.9)
        rates = {name: torch.full_like(w, rate) for name, w in agent.weights.items()}
        weights = detached(adapt(agent.policy, weights, rates, batch, differentiable=False))
    still = weights | {"log_std": torch.full_like(weights["log_std"], -20.0)}
    found, _ = play(worlds, agent.policy, still, agent.moments, rng)
    starts = found.observations[:, :, 0]  # positions; nothing has been normalised yet
    for task, places, reached in zip(chosen, starts, found.returns, strict=True):
        assert reached > 1.1 * np.mean([optimal_return(suite, task, start) for start in places])


def test_promp_is_held_near_the_policy_that_explored() -> None:
    moved = []
    for weight in (1e-6, 1e3):
        bandit = Bandit(build("promp", inner_rate=0.05, learning_rate=0.003, kl_weight=weight), tasks=20, pulls=20)
        moved.append(0.0)
        for _ in range(5):
            bandit.iterate()
            moved[-1] += bandit.figures["kl"]
    assert 0 < moved[1] < 0.1 * moved[0]


def test_a_trial_adapts_as_training_does() -> None:
    agent = build("maml", num_worlds=40)
    suite = make_suite(SUITE)
    worlds = suite.make_worlds(2)
    worlds.set_tasks(suite.sample_tasks(2, np.random.default_rng(3)))
    trial = agent.start_trials(2, rng=np.random.default_rng(4))
    episodes = []
    for episode in range(3):
        observations, _ = worlds.reset(seed=[episode, 10 + episode])
        trial.begin_episode(observations, episode=episode, phase="adaptation")
        active = np.ones(2, np.bool_)
        steps: list[list[np.ndarray]] = []
        while active.any():
            actions = np.asarray(trial.act(observations, active=active, explore=True))
            following, rewards, terminated, truncated, _ = worlds.step(actions)
            executed = actions.astype(np.float64).clip(-1, 1)
            trial.observe(Transition(observations, executed, rewards, terminated, truncated, following, active))
            steps.append([agent.moments.normalise(observations), actions, rewards, active])
            observations, active = following, active & ~(terminated | truncated)
        trial.end_episode()
        episodes.append(Episodes.of_worlds(steps, tasks=2))
    shared = for_tasks({name: w.detach() for name, w in agent.weights.items()}, 2)
    batch = TaskBatch.of(Episodes.joined(episodes), agent.policy, shared, discount=0.99, decay=1.0)
    adapted = agent.adapted(batch, differentiable=False)
    seen = np.random.default_rng(5).normal(size=(2, agent.policy.num_observed)).astype(np.float32)
    trial.begin_episode(seen, episode=3, phase="evaluation")
    found = np.asarray(trial.act(seen, active=np.ones(2, np.bool_), explore=False))
    expected = agent.policy.mean(adapted, torch.from_numpy(agent.moments.normalise(seen)[:, None]))[:, 0]
    assert np.allclose(found, expected.detach().numpy(), atol=1e-6)
    # The next adaptation episode explores with the initialisation again.
    trial.begin_episode(seen, episode=3, phase="adaptation")
    initial = agent.policy.mean(shared, torch.from_numpy(agent.moments.normalise(seen)[:, None]))[:, 0]
    again = np.asarray(trial.act(seen, active=np.ones(2, np.bool_), explore=False))
    assert np.allclose(again, initial.detach().numpy(), atol=1e-6)
    assert not np.allclose(found, again, atol=1e-3)
