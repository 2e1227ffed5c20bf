"""What PEARL and the metric agent share: replay, networks, soft actor-critic, collection."""

import numpy as np
import pytest
import torch

from metarl_agents.common.collection import play_cycle
from metarl_agents.common.config import OffPolicyConfig
from metarl_agents.common.layers import Stacked
from metarl_agents.common.replay import Columns, TaskReplay
from metarl_agents.common.sac import Sac, SquashedPolicy, Transitions
from metarl_agents.common.transitions import TransitionView
from metarl_agents.pearl.agent import Pearl
from metarl_agents.pearl.config import PearlConfig
from metarl_bench.agents import TrialShape
from metarl_bench.metering import TrainingGround
from metarl_bench.registry import SUITES, make_suite

SUITE = "toy/point-robot-v1"
COLUMNS = Columns.of(SUITES.get(SUITE))


def rows(*marks: float) -> np.ndarray:
    """Returns transitions that are full of a number each."""
    return np.repeat(np.array(marks, np.float32)[:, None], COLUMNS.width, axis=1)


def marks(sampled: torch.Tensor) -> set[float]:
    return set(sampled[..., 0].flatten().tolist())


def test_replay_keeps_the_newest_of_each_task() -> None:
    replay, rng = TaskReplay(2, 3, COLUMNS), np.random.default_rng(0)
    replay.add(0, rows(1, 2))
    replay.add(1, rows(9))
    replay.add(0, rows(3, 4))
    assert replay.sizes.tolist() == [3, 1]
    sampled = replay.sample(np.array([0, 1]), 200, rng)
    assert (marks(sampled[0]), marks(sampled[1])) == ({2, 3, 4}, {9})


def test_replay_keeps_the_end_of_what_exceeds_its_capacity() -> None:
    replay = TaskReplay(1, 3, COLUMNS)
    replay.add(0, rows(1, 2, 3, 4, 5))
    assert marks(replay.sample(np.array([0]), 100, np.random.default_rng(0))) == {3, 4, 5}


def test_contexts_come_from_the_newest_collection_alone() -> None:
    replay, rng = TaskReplay(1, 10, COLUMNS), np.random.default_rng(0)
    replay.add(0, rows(1, 2, 3))
    replay.begin_collection(np.array([0]))
    replay.add(0, rows(4, 5))
    replay.add(0, rows(6))
    assert marks(replay.sample_newest(np.array([0]), 100, rng)) == {4, 5, 6}


def test_replay_comes_back_from_its_arrays() -> None:
    first, second = TaskReplay(2, 4, COLUMNS), TaskReplay(2, 4, COLUMNS)
    first.add(0, rows(1, 2, 3))
    first.begin_collection(np.array([0]))
    first.add(0, rows(4, 5))
    first.add(1, rows(6))
    second.set_arrays(first.arrays())
    for replay in (first, second):
        replay.add(0, rows(7))
    draws = [replay.sample_newest(np.array([0, 1]), 50, np.random.default_rng(1)) for replay in (first, second)]
    assert torch.equal(*draws)


def test_stacked_perceptrons_equal_single_ones() -> None:
    stacked = Stacked(2, (3, 4, 1), torch.Generator().manual_seed(0))
    inputs = torch.randn(5, 3, generator=torch.Generator().manual_seed(1))
    for index in range(2):
        hidden = (inputs @ stacked.weights[0][index] + stacked.biases[0][index]).relu()
        expected = hidden @ stacked.weights[1][index] + stacked.biases[1][index]
        assert torch.allclose(stacked(inputs)[index], expected, atol=1e-6)


def test_density_of_squashed_actions_is_that_of_torch() -> None:
    policy = SquashedPolicy(3, 2, hidden=8, generator=torch.Generator().manual_seed(0)).double()
    inputs = torch.randn(6, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    noise = torch.randn(6, 2, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    actions, log_density = policy.sample(inputs, noise)
    mean, log_std = policy(inputs)
    squashed = torch.distributions.TransformedDistribution(
        torch.distributions.Normal(mean, log_std.exp()), [torch.distributions.TanhTransform()]
    )
    assert torch.allclose(log_density, squashed.log_prob(actions).sum(dim=-1), atol=1e-9)


def small_sac(*, hidden: int) -> Sac:
    config = OffPolicyConfig(hidden=hidden, latent=1, learning_rate=3e-3)
    generator = torch.Generator().manual_seed(0)
    return Sac(observations=1, actions=1, latent=1, encoder=[], config=config, generator=generator)


def test_finds_the_best_action_of_each_task_in_a_bandit() -> None:
    sac = small_sac(hidden=32)
    rng = np.random.default_rng(0)
    for _ in range(600):
        latents = torch.from_numpy(rng.choice([-0.5, 0.5], (128, 1)).astype(np.float32))
        actions = torch.from_numpy(rng.uniform(-1, 1, (128, 1)).astype(np.float32))
        zeros, ones = torch.zeros(128, 1), torch.ones(128)
        rewards = -100 * (actions - latents).square()[:, 0]
        batch = Transitions(zeros, actions, rewards, zeros, ones)
        sac.update_critic(batch, latents, torch.zeros(()), rng)
        sac.update_policy(batch, latents, rng)
    mean, _ = sac.policy(torch.tensor([[0.0, -0.5], [0.0, 0.5]]))
    assert torch.allclose(mean.tanh()[:, 0], torch.tensor([-0.5, 0.5]), atol=0.1)


def test_terminal_transitions_are_not_bootstrapped() -> None:
    sac = small_sac(hidden=16)
    rng, shape = np.random.default_rng(0), (64, 1)
    batch = Transitions(
        torch.zeros(shape), torch.zeros(shape), torch.full((64,), 2.0), torch.zeros(shape), torch.ones(64)
    )
    for _ in range(400):
        figures = sac.update_critic(batch, torch.zeros(shape), torch.zeros(()), rng)
    assert figures["value"] == pytest.approx(2.0, abs=0.05)


def test_actions_go_to_the_suite_and_back() -> None:
    view = TransitionView(SUITES.get("locomotion/cheetah-velocity-v1"))
    actions = np.random.default_rng(0).uniform(-1, 1, (4, 6)).astype(np.float32)
    assert np.allclose(view.to_unit(view.from_unit(actions)), actions, atol=1e-6)


def test_a_cycle_keeps_every_transition_in_order() -> None:
    suite = make_suite(SUITE)
    worlds, view = suite.make_worlds(3), TransitionView(suite.spec)
    worlds.set_tasks(suite.sample_tasks(3, np.random.default_rng(1)))
    collected = play_cycle(worlds, None, view, episodes=2, rng=np.random.default_rng(0))
    assert [len(kept) for kept in collected] == [2 * suite.spec.horizon] * 3
    for kept in collected:
        episode = kept[: suite.spec.horizon]
        assert np.array_equal(episode[:-1, COLUMNS.following], episode[1:, COLUMNS.observation])


def test_takes_the_updates_that_its_steps_pay_for() -> None:
    suite = make_suite(SUITE)
    trial = TrialShape(adaptation_episodes=2, evaluation_episodes=1, horizon=suite.spec.horizon)
    config = PearlConfig(num_worlds=5, steps_per_update=50, num_tasks=10)
    agent = Pearl(suite.spec, trial, config, np.random.default_rng(0))
    ground = TrainingGround(suite, trial=trial, budget=10_000, until=3_000, key=("test",), segment=0)
    agent.meta_train(ground, until=3_000, rng=np.random.default_rng(1))
    # Cycles of 5 worlds x 2 episodes x 20 steps; those begun before 500 steps were random.
    assert ground.steps == 3_000
    assert agent._updates == (3_000 - 500) / 50
