"""The parts of the on-policy agents against known answers."""

import numpy as np
import pytest
import torch

from metarl_agents.common.gaussians import kl_divergence
from metarl_agents.common.inputs import InputEncoder
from metarl_agents.common.networks import ActorCritic
from metarl_agents.common.normalisers import RewardScale, RunningMoments, RunningReturns
from metarl_agents.common.ppo import _log_density, make_batch
from metarl_agents.common.rollouts import (
    Rollout,
    TrialCollector,
    generalised_advantages,
    values_and_bootstraps,
)
from metarl_agents.rl2.agent import Rl2
from metarl_agents.rl2.config import Rl2Config
from metarl_bench.agents import TrialShape
from metarl_bench.metering import TrainingGround
from metarl_bench.registry import SUITES, make_suite

POINT = "toy/point-robot-v1"
SHAPE = TrialShape(adaptation_episodes=2, evaluation_episodes=1, horizon=20)


def ground(budget: int = 100_000) -> TrainingGround:
    return TrainingGround(make_suite(POINT), trial=SHAPE, budget=budget, until=budget, key=("test",), segment=0)


def collector(*, episodes: int, stagger: int = 5, memory: int = 8, across_episodes: bool = True) -> TrialCollector:
    encoder = InputEncoder(SUITES.get(POINT), remembers=memory > 0, privileged=False)
    network = ActorCritic(
        num_observed=encoder.num_observed,
        num_history=encoder.num_history,
        num_actions=2,
        memory=memory,
        hidden=8,
        initial_log_std=-0.5,
        generator=torch.Generator().manual_seed(0),
    )
    rng = np.random.default_rng(0)
    return TrialCollector(
        ground(),
        network,
        encoder,
        num_worlds=4,
        episodes=episodes,
        stagger=stagger,
        rng=rng,
        across_episodes=across_episodes,
    )


def test_moments_of_parts_equal_moments_of_the_whole() -> None:
    rows = np.random.default_rng(0).normal(3.0, 2.0, (1000, 4))
    moments = RunningMoments(4)
    for part in np.array_split(rows, [10, 300, 301]):
        moments.update(part)
    assert moments.mean == pytest.approx(rows.mean(axis=0))
    assert moments.variance == pytest.approx(rows.var(axis=0))


def test_reward_scale_is_the_deviation_of_the_discounted_return() -> None:
    rewards = np.random.default_rng(0).normal(size=(50, 3))
    ends = np.zeros((50, 3), np.bool_)
    ends[20] = True
    scale, running = RewardScale(), RunningReturns(3, 0.9)
    for part in (slice(0, 30), slice(30, 50)):
        found, _ = running.extend(rewards[part], np.roll(ends, 1, axis=0)[part], ends[part])
        scale.update(found)
    returns, value = [], np.zeros(3)
    for step in range(50):
        value = rewards[step] + 0.9 * value
        returns.append(value)
        value = np.zeros(3) if step == 20 else value
    assert found == pytest.approx(np.array(returns)[30:])
    assert scale.factor == pytest.approx(1 / np.std(returns), rel=1e-6)


def test_deviations_are_those_of_the_returns_since_the_trial_began() -> None:
    rewards = np.random.default_rng(0).normal(size=(8, 2)) * [1.0, 100.0]
    starts, ends = np.zeros((2, 8, 2), np.bool_)
    starts[[0, 5], 0] = starts[0, 1] = ends[4, 0] = True  # the first world begins another trial after five steps
    running = RunningReturns(2, 0.0)
    running.extend(rewards[:2], starts[:2], ends[:2])
    _, deviations = running.extend(rewards[2:], starts[2:], ends[2:])
    first, second, other = rewards[:5, 0].std(), rewards[5:, 0].std(), rewards[:, 1].std()
    assert deviations[:, 0] == pytest.approx([first] * 3 + [second] * 3)
    assert deviations[:, 1] == pytest.approx([other] * 6)


def test_advantages_equal_the_definition_and_stop_at_trial_ends() -> None:
    rewards, values = np.array([[1.0], [2.0], [3.0]]), np.array([[0.5], [0.25], [2.0]])
    following = np.array([[0.25], [4.0], [1.0]])
    ends = np.array([[False], [True], [False]])
    advantages = generalised_advantages(rewards, values, following, ends, discount=0.9, decay=0.5)
    deltas = [1 + 0.9 * 0.25 - 0.5, 2 + 0.9 * 4 - 0.25, 3 + 0.9 * 1 - 2]
    assert advantages[:, 0] == pytest.approx([deltas[0] + 0.45 * deltas[1], deltas[1], deltas[2]])


def test_a_trial_keeps_its_memory_through_episodes_and_loses_it_at_its_end() -> None:
    rollout = collector(episodes=2).collect(80)
    # World 0 begins at the start of a trial of 2 x 20 steps; the others are staggered by a quarter of it each.
    assert np.flatnonzero(rollout.starts[:, 0]).tolist() == [0, 40]
    assert np.flatnonzero(rollout.starts[:, 1]).tolist() == [0, 30, 70]
    assert np.flatnonzero(rollout.ends[:, 0]).tolist() == [39, 79]
    assert not rollout.states[rollout.starts].any()
    assert rollout.states[20, 0].any()
    episode_starts = rollout.inputs[:, 0, -1]
    assert np.flatnonzero(episode_starts).tolist() == [0, 20, 40, 60]


def test_the_history_holds_the_executed_action_and_the_reward_before() -> None:
    rollout = collector(episodes=2).collect(10)
    executed = np.clip(rollout.actions[:-1], -1, 1)
    assert rollout.inputs[1:, :, 2:4] == pytest.approx(executed)
    assert rollout.inputs[1:, :, 4] == pytest.approx(rollout.rewards[:-1], rel=1e-5)


def test_the_value_of_what_follows_crosses_episodes_but_not_trials() -> None:
    sampler = collector(episodes=2)
    rollout = sampler.collect(80)
    values, following = values_and_bootstraps(sampler._network, rollout)
    inside = ~rollout.ends[:-1]
    assert following[:-1][inside] == pytest.approx(values[1:][inside])
    # After a trial's end comes the value of the true next observation, not that of the next trial's first one.
    assert (np.abs(following[:-1] - values[1:])[rollout.ends[:-1]] > 1e-6).all()


def test_returns_may_end_with_each_episode_of_a_trial() -> None:
    whole, apart = (collector(episodes=2, across_episodes=across).collect(80) for across in (True, False))
    assert (whole.rewards == apart.rewards).all()
    assert (whole.starts == apart.starts).all()
    # Trials of 40 steps, of which some were cut at the beginning; episodes of 20.
    assert (apart.ends | ~whole.ends).all()
    assert apart.ends.sum() > 1.5 * whole.ends.sum()
    noted = {(step, world) for step, worlds, _, _ in apart.following for world in worlds}
    assert noted >= set(zip(*np.nonzero(apart.ends), strict=True))


def test_sequences_cover_every_step_once_and_cross_no_start() -> None:
    rollout = collector(episodes=1, stagger=1).collect(50)
    steps = np.arange(50 * 4, dtype=np.float32).reshape(50, 4)
    batch = make_batch(rollout, steps, steps, length=12)
    weights = batch.weights.numpy().astype(bool)
    assert sorted(batch.advantages.numpy()[weights].tolist()) == steps.ravel().tolist()
    starts = rollout.starts.ravel()
    for sequence in range(len(batch)):
        rows = batch.advantages[:, sequence].numpy()[weights[:, sequence]].astype(int)
        assert (np.diff(rows) == 4).all()
        assert not starts[rows[1:]].any()
        assert batch.state[sequence].numpy() == pytest.approx(rollout.states.reshape(200, -1)[rows[0]])


def test_replaying_sequences_gives_the_means_that_were_collected() -> None:
    sampler = collector(episodes=2)
    rollout = sampler.collect(40)
    zeros = np.zeros((40, 4), np.float32)
    batch = make_batch(rollout, zeros, zeros, length=15)
    means, _ = sampler._network.sequence(batch.inputs, batch.state)
    inside = batch.weights.bool()
    assert torch.allclose(means[inside], batch.means[inside], atol=1e-6)


def test_densities_and_divergence_equal_torchs() -> None:
    generator = torch.Generator().manual_seed(0)
    means, other, actions = torch.randn(3, 5, 2, generator=generator)
    log_std, other_log_std = torch.tensor([-0.5, 0.2]), torch.tensor([0.1, -0.3])
    first = torch.distributions.Normal(means, log_std.exp())
    second = torch.distributions.Normal(other, other_log_std.exp())
    difference = _log_density(actions, means, log_std) - _log_density(actions, other, other_log_std)
    expected = (first.log_prob(actions) - second.log_prob(actions)).sum(dim=1)
    assert torch.allclose(difference, expected, atol=1e-5)
    divergence = torch.distributions.kl_divergence(first, second).sum(dim=1)
    assert torch.allclose(kl_divergence(means, log_std, other, other_log_std), divergence, atol=1e-5)


def test_a_true_end_of_the_mdp_is_worth_nothing() -> None:
    rollout = Rollout.empty(2, 1, inputs=3, memory=0, actions=2, observed=2)
    rollout.ends[1] = rollout.terminal[1] = True
    rollout.following.append((1, np.array([0]), np.ones((1, 3), np.float32), np.zeros((1, 0), np.float32)))
    network = ActorCritic(
        num_observed=3,
        num_history=0,
        num_actions=2,
        memory=0,
        hidden=4,
        initial_log_std=0.0,
        generator=torch.Generator().manual_seed(0),
    )
    _, following = values_and_bootstraps(network, rollout)
    assert following[1, 0] == 0.0


def test_privileged_numbers_are_scaled_to_the_training_range() -> None:
    spec = SUITES.get(POINT)
    encoder = InputEncoder(spec, remembers=False, privileged=True)
    rows = encoder.encode(np.zeros((1, 2), np.float32), encoder.no_history(1), np.array([[1.0, -1.0]]))
    assert rows[0].tolist() == [0.0, 0.0, 1.0, -1.0]


def test_updates_get_smaller_towards_the_end_of_the_budget() -> None:
    def divergence(final_kl: float) -> float:
        small = Rl2Config(
            num_worlds=8, steps=20, memory=8, hidden=8, lowest_rate=1e-7, highest_rate=0.01, final_kl=final_kl
        )
        agent = Rl2(SUITES.get(POINT), SHAPE, small, np.random.default_rng(0))
        budget = 20 * small.num_worlds * small.steps
        agent.meta_train(ground(budget), until=budget, rng=np.random.default_rng(1))
        return agent.training_log()["kl"]

    assert divergence(1e-5) < 0.2 * divergence(0.0)
