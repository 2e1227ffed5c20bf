"""VariBAD's parts against known answers, and its belief against the truth."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from metarl_agents.varibad.agent import VariBad
from metarl_agents.varibad.autoencoder import Autoencoder, Draw, Trials, divergence_of
from metarl_agents.varibad.belief import BeliefEncoder
from metarl_agents.varibad.collector import RecordingCollector
from metarl_agents.varibad.config import VariBadConfig
from metarl_agents.varibad.trials import OpenTrials, TrialBuffer
from metarl_bench.agents import TrialShape
from metarl_bench.metering import TrainingGround
from metarl_bench.protocols import ROML
from metarl_bench.registry import SUITES, make_suite
from metarl_bench.tasks import Task

POINT = "toy/point-robot-v1"
SHAPE = TrialShape(adaptation_episodes=1, evaluation_episodes=1, horizon=20)


def make_agent(**settings: object) -> VariBad:
    return VariBad(SUITES.get(POINT), SHAPE, VariBadConfig(**settings), np.random.default_rng(0))


def make_autoencoder(config: VariBadConfig, *, observation: int, action: int) -> Autoencoder:
    generator = torch.Generator().manual_seed(0)
    encoder = BeliefEncoder(
        observation=observation,
        action=action,
        latent=config.latent,
        units=config.belief_units,
        generator=generator,
    )
    return Autoencoder(encoder, config, observation=observation, action=action, generator=generator)


# -- the bound ---------------------------------------------------------------------------------------------------------


def test_the_divergence_equals_torchs() -> None:
    mean, log_variance, prior_mean, prior_log_variance = torch.randn(
        4, 7, 3, generator=torch.Generator().manual_seed(0)
    )
    expected = torch.distributions.kl_divergence(
        torch.distributions.Normal(mean, (0.5 * log_variance).exp()),
        torch.distributions.Normal(prior_mean, (0.5 * prior_log_variance).exp()),
    ).sum(dim=-1)
    assert torch.allclose(divergence_of(mean, log_variance, prior_mean, prior_log_variance), expected, atol=1e-5)


class FreeBelief(nn.Module):
    """The same free mean and log variance for every trial, after every step."""

    units = 1

    def __init__(self, mean: Tensor, log_variance: Tensor) -> None:
        super().__init__()
        self.mean, self.log_variance = nn.Parameter(mean), nn.Parameter(log_variance)

    def forward(self, actions: Tensor, observations: Tensor, rewards: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        belief = torch.cat([self.mean, self.log_variance])
        return state, belief.expand(*rewards.shape[:2], -1)


class Product(nn.Module):
    """Predicts the product of latent and observation."""

    def forward(self, latents: Tensor, parts: tuple[Tensor, ...]) -> Tensor:
        (observations,) = parts
        return torch.einsum("tnl,snl->tsn", latents, observations)[..., None]


def linear_gaussian(mean: Tensor, log_variance: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Returns the loss over a trial for rewards x . m + noise of variance 1/2, both gradients, and the precision.

    The prior of m is standard normal, so its posterior has the precision 1 + 2 X'X.
    """
    length, size = 6, len(mean)
    generator = torch.Generator().manual_seed(1)
    observations = torch.randn(length, 1, size, generator=generator, dtype=torch.float64)
    rewards = torch.randn(length, 1, 1, generator=generator, dtype=torch.float64)
    config = VariBadConfig(latent=size, kl_weight=1.0, reward_from_step=False)
    autoencoder = make_autoencoder(config, observation=size, action=1)
    belief = FreeBelief(mean, log_variance)
    autoencoder.encoder, autoencoder.rewards = belief, Product()  # type: ignore[assignment]
    trials = Trials(observations, observations[..., :1], rewards, observations, torch.tensor([length]))
    # All corners of a cube: exactly the first two moments of a standard normal distribution, which is all that counts.
    corners = torch.tensor(list(itertools.product((-1.0, 1.0), repeat=size)), dtype=torch.float64)
    draw = Draw(
        times=torch.zeros(len(corners), 1, dtype=torch.int64),
        steps=torch.arange(length)[:, None],
        noise=corners[:, None],
    )
    loss, _ = autoencoder.loss(trials, draw)
    (length * loss).backward()
    assert belief.mean.grad is not None
    assert belief.log_variance.grad is not None
    features, targets = observations[:, 0], rewards[:, 0, 0]
    precision = torch.eye(size, dtype=torch.float64) + 2 * features.T @ features
    return belief.mean.grad, belief.log_variance.grad, precision, 2 * features.T @ targets


def test_the_gradient_of_the_bound_is_that_of_a_linear_gaussian_model() -> None:
    mean = torch.tensor([0.3, -0.7, 1.1], dtype=torch.float64)
    log_variance = torch.tensor([-0.2, 0.5, -1.0], dtype=torch.float64)
    by_mean, by_log_variance, precision, shift = linear_gaussian(mean, log_variance)
    assert torch.allclose(by_mean, precision @ mean - shift)
    assert torch.allclose(by_log_variance, 0.5 * (precision.diagonal() * log_variance.exp() - 1))


def test_the_bound_is_highest_at_the_posterior() -> None:
    start = torch.zeros(3, dtype=torch.float64)
    _, _, precision, shift = linear_gaussian(start, start)
    by_mean, by_log_variance, _, _ = linear_gaussian(torch.linalg.solve(precision, shift), -precision.diagonal().log())
    assert torch.allclose(by_mean, start, atol=1e-12)
    assert torch.allclose(by_log_variance, start, atol=1e-12)


def test_the_gradient_of_the_networks_equals_finite_differences() -> None:
    config = VariBadConfig(latent=2, belief_units=6, state_weight=0.5, kl_weight=3.0, belief_predictions=4)
    autoencoder = make_autoencoder(config, observation=3, action=2).double()
    rng = np.random.default_rng(0)

    def numbers(*shape: int) -> Tensor:
        return torch.from_numpy(rng.normal(size=shape))

    lengths = torch.tensor([5, 3])
    trials = Trials(numbers(5, 2, 3), numbers(5, 2, 2), numbers(5, 2, 1), numbers(5, 2, 3), lengths)
    draw = Draw.of(lengths, config, rng)
    loss, _ = autoencoder.loss(trials, draw._replace(noise=draw.noise.double()))
    names = dict(autoencoder.named_parameters())
    gradients = torch.autograd.grad(loss, list(names.values()))
    for (name, parameter), gradient in zip(names.items(), gradients, strict=True):
        direction, values = numbers(*parameter.shape), []
        for size in (1e-6, -1e-6):
            with torch.no_grad():
                parameter += size * direction
            values.append(float(autoencoder.loss(trials, draw._replace(noise=draw.noise.double()))[0].detach()))
            with torch.no_grad():
                parameter -= size * direction
        slope = float((gradient * direction).sum())
        assert slope == pytest.approx((values[0] - values[1]) / 2e-6, rel=1e-4, abs=1e-7), name


def test_what_lies_beyond_the_end_of_a_trial_changes_nothing() -> None:
    config = VariBadConfig()
    autoencoder = make_autoencoder(config, observation=2, action=2)
    rng = np.random.default_rng(0)
    lengths = torch.tensor([30, 12])
    draw = Draw.of(lengths, config, rng)
    parts = [torch.from_numpy(rng.normal(size=(30, 2, size)).astype(np.float32)) for size in (2, 2, 1, 2)]
    before, _ = autoencoder.loss(Trials(*parts, lengths), draw)
    for part in parts:
        part[12:, 1] = 1e3
    after, _ = autoencoder.loss(Trials(*parts, lengths), draw)
    assert torch.equal(before, after)


# -- trials ------------------------------------------------------------------------------------------------------------


def fill(open_trials: OpenTrials, lengths: list[list[int]]) -> list[dict[str, np.ndarray]]:
    """Plays trials whose episodes have these lengths, all worlds alike; returns what happened, trial by trial."""
    rng = np.random.default_rng(sum(map(sum, lengths)))
    worlds = len(open_trials.lengths)
    played = []
    for episodes in lengths:
        steps: dict[str, list[np.ndarray]] = {name: [] for name in ("observations", "actions", "rewards", "following")}
        for length in episodes:
            observation = rng.normal(size=(worlds, 2)).astype(np.float32)
            for step in range(length):
                following = rng.normal(size=(worlds, 2)).astype(np.float32)
                action, reward = rng.normal(size=(worlds, 2)), rng.normal(size=worlds)
                ends = np.full(worlds, step == length - 1)
                open_trials.add(observation, action, reward, following, episode_ends=ends)
                for name, value in zip(steps, (observation, action, reward, following), strict=True):
                    steps[name].append(value.astype(np.float32))
                observation = following
        played.append({name: np.array(values) for name, values in steps.items()})
    return played


def test_a_trial_comes_back_from_the_buffer_as_it_was() -> None:
    spec = SUITES.get(POINT)
    trials, buffer = OpenTrials(3, spec, 2), TrialBuffer(5, spec, 2)
    everyone = np.ones(3, np.bool_)
    # The second and third trial are shorter: what the first one left behind must not show.
    for episodes in ([20, 20], [7, 20], [3, 1]):
        (played,) = fill(trials, [episodes])
        buffer.add(trials, everyone)
        trials.clear(everyone)
        newest = (buffer._next - 1) % 5
        batch = buffer.batch(np.array([newest]))
        assert batch.lengths.tolist() == [sum(episodes)]
        for name, values in played.items():
            assert np.array_equal(getattr(batch, name)[:, 0], values[:, -1]), name


def test_the_oldest_trials_make_room() -> None:
    spec = SUITES.get(POINT)
    trials, buffer = OpenTrials(3, spec, 2), TrialBuffer(5, spec, 2)
    worlds = np.array([True, False, True])
    for number in range(1, 5):
        fill(trials, [[number]])
        buffer.add(trials, worlds)
        trials.clear(np.ones(3, np.bool_))
    # Eight trials of two worlds a time went in; the first three are gone.
    assert sorted(buffer.lengths.tolist()) == [2, 3, 3, 4, 4]
    assert buffer.filled == 5


def test_a_buffer_goes_on_where_it_was_saved() -> None:
    spec = SUITES.get(POINT)
    buffers = [TrialBuffer(5, spec, 2) for _ in range(2)]
    for number in range(1, 5):
        if number == 3:
            buffers[1].set_arrays(buffers[0].arrays())
        for buffer in buffers if number > 2 else buffers[:1]:
            trials = OpenTrials(2, spec, 2)
            fill(trials, [[number]])
            buffer.add(trials, np.ones(2, np.bool_))
    one, other = (buffer.arrays() for buffer in buffers)
    assert all(np.array_equal(one[name], other[name]) for name in one)


# -- the belief --------------------------------------------------------------------------------------------------------


def test_what_acts_believes_is_what_learns_from_the_trial() -> None:
    agent = make_agent()
    ground = TrainingGround(make_suite(POINT), trial=SHAPE, budget=10_000, until=10_000, key=("test",), segment=0)
    collector = RecordingCollector(
        ground,
        agent.network,
        agent.encoder,
        agent._buffer,
        num_worlds=2,
        episodes=2,
        stagger=20,
        rng=np.random.default_rng(0),
    )
    rollout = collector.collect(41)
    # World 0 plays one whole trial of two episodes; world 1 begins in the middle of one.
    assert np.flatnonzero(rollout.ends[:, 0]).tolist() == [39]
    place = int(np.flatnonzero(agent._buffer.lengths == 40)[0])
    trials = Trials.of(agent._buffer.batch(np.array([place])), agent.encoder.observation_moments)
    with torch.no_grad():
        _, beliefs = agent.encoder.belief(trials.actions, trials.following, trials.rewards, torch.zeros(1, 64))
    seen = rollout.inputs[:, 0, 2:12]
    assert seen[1:40] == pytest.approx(beliefs[:39, 0].numpy(), abs=1e-5)
    # Nothing is known at the start of a trial, and at its end its last observation counts, not the next trial's first.
    assert not seen[0].any()
    assert not seen[40].any()
    ((_, worlds, inputs, _),) = [entry for entry in rollout.following if entry[0] == 39]
    assert inputs[worlds == 0][0, 2:12] == pytest.approx(beliefs[39, 0].numpy(), abs=1e-5)


def test_trials_of_training_are_as_long_as_those_of_the_published_number() -> None:
    assert ROML.suite is not None
    suite = make_suite(ROML.suite)
    trial = ROML.resolve(suite).trial
    agent = VariBad(suite.spec, trial, VariBadConfig.for_suite(suite.spec), np.random.default_rng(0))
    assert agent._buffer.rewards.shape == (1000, 400)


def test_the_policys_gradient_stays_out_of_the_belief() -> None:
    agent = make_agent()
    policy = {id(parameter) for group in agent._ppo.optimiser.param_groups for parameter in group["params"]}
    belief = {id(parameter) for parameter in agent._autoencoder.parameters()}
    assert policy
    assert not policy & belief


def random_trials(count: int, seed: int) -> tuple[OpenTrials, list[Task]]:
    """Returns trials of two episodes, each of one random action that is held, and their tasks."""
    suite, rng = make_suite(POINT), np.random.default_rng(seed)
    tasks = suite.sample_tasks(count, rng)
    worlds = suite.make_worlds(count)
    worlds.set_tasks(tasks)
    trials = OpenTrials(count, suite.spec, 2)
    for episode in range(2):
        observations, _ = worlds.reset(seed=[seed + count * episode + world for world in range(count)])
        actions = rng.uniform(-1, 1, (count, 2))
        for _ in range(20):
            following, rewards, terminated, truncated, _ = worlds.step(actions)
            trials.add(observations, actions, rewards, following, episode_ends=terminated | truncated)
            observations = following
    return trials, tasks


def test_the_belief_finds_the_goal_as_steps_come_in() -> None:
    agent = make_agent(
        reward_from_step=False, belief_rate=5e-3, belief_trials=64, belief_times=4, belief_predictions=20
    )
    rng = np.random.default_rng(0)
    agent._buffer.add(random_trials(1000, 1)[0], np.ones(1000, np.bool_))
    for _ in range(400):
        agent.learn_belief(rng)

    unseen, tasks = random_trials(200, 10_000)
    trials = Trials.of(unseen.batch(np.arange(200)), agent.encoder.observation_moments)
    with torch.no_grad():
        _, beliefs = agent.encoder.belief(trials.actions, trials.following, trials.rewards, torch.zeros(200, 64))
        means, log_variances = beliefs.chunk(2, dim=-1)
        line = torch.linspace(-1, 1, 21)
        places = torch.cartesian_prod(line, line)[:, None].expand(-1, 200, -1)
        rewards = agent._autoencoder.predict_rewards(means[[0, 4, 39]], places, places, places)
    # Where the belief expects the most reward.
    best = places[rewards.argmax(dim=1), 0].numpy()
    goals = np.array([[task.number("goal_x"), task.number("goal_y")] for task in tasks])
    first, fifth, last = np.linalg.norm(best - goals, axis=-1).mean(axis=1)
    assert first > 1.05 * fifth
    assert fifth > 1.2 * last
    spread = log_variances.exp().mean(dim=(1, 2))
    assert spread[0] > spread[4] > spread[39]
