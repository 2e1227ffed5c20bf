"""Fine-tuning in trials: worlds keep apart, learn what is known to be best, and learn from what they explored alone."""

import dataclasses

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from metarl_agents.common.networks import ActorCritic
from metarl_agents.common.ppo import Batch, Ppo
from metarl_agents.common.stacked import Adam, clip_gradients, stack
from metarl_agents.finetune_ppo.agent import FinetunedInTrial, FinetunePpo
from metarl_agents.finetune_ppo.config import FinetunePpoConfig
from metarl_agents.finetune_ppo.tuning import Experience, Tuner, normalised
from metarl_agents.multitask_ppo.agent import MultitaskPpo
from metarl_bench.agents import Phase, Transition, TrialShape
from metarl_bench.errors import ConfigError
from metarl_bench.metering import TrainingGround
from metarl_bench.registry import SUITES, make_suite

POINT = "toy/point-robot-v1"
SHAPE = TrialShape(adaptation_episodes=2, evaluation_episodes=1, horizon=20)
WORLDS, STEPS, INPUTS, ACTIONS = 3, 12, 4, 2


def network(seed: int = 0) -> ActorCritic:
    return ActorCritic(
        num_observed=INPUTS,
        num_history=0,
        num_actions=ACTIONS,
        memory=0,
        hidden=8,
        initial_log_std=-0.5,
        generator=torch.Generator().manual_seed(seed),
    )


def tuner(worlds: int = WORLDS, config: FinetunePpoConfig | None = None) -> Tuner:
    return Tuner(network(), config or FinetunePpoConfig(hidden=8), reward_factor=0.5, worlds=worlds)


def scattered(worlds: int = WORLDS) -> Tuner:
    """Returns a tuner whose worlds have weights of their own."""
    found, nets = tuner(worlds), [network(seed) for seed in range(worlds)]
    found.weights = {
        name: torch.stack([dict(net.named_parameters())[name].detach() for net in nets]) for name in found.weights
    }
    return found


def experience(lengths: tuple[int, ...] = (STEPS, 5, STEPS), steps: int = STEPS) -> Experience:
    rng = np.random.default_rng(0)
    worlds = len(lengths)
    found = Experience.empty(steps, worlds, inputs=INPUTS, actions=ACTIONS)
    for step in range(steps):
        active = step < np.array(lengths)
        ends = step + 1 == np.array(lengths)
        found.note(
            step,
            active,
            inputs=rng.standard_normal((worlds, INPUTS), np.float32),
            following=rng.standard_normal((worlds, INPUTS), np.float32),
            actions=rng.standard_normal((worlds, ACTIONS), np.float32),
            means=0.1 * rng.standard_normal((worlds, ACTIONS), np.float32),
            log_std=np.full((worlds, ACTIONS), -0.4, np.float32),
            rewards=rng.standard_normal(worlds),
            # World 1 ends because its MDP does, the others because their time is up.
            terminal=ends & (np.arange(worlds) == 1),
        )
    return found


def of_world(whole: Experience, world: int, steps: int = STEPS) -> Experience:
    """Returns what one world saw, without the others."""
    names = [field.name for field in dataclasses.fields(whole)]
    return Experience(**{name: getattr(whole, name)[:steps, world : world + 1] for name in names})


def alone(batch: Tuner, world: int) -> Tuner:
    """Returns the tuner of one world."""
    found = tuner(1)
    found.weights = {name: weight[world : world + 1] for name, weight in batch.weights.items()}
    return found


def test_stacked_networks_equal_the_network_with_their_weights() -> None:
    batch, inputs = scattered(), torch.randn(WORLDS, 7, INPUTS, generator=torch.Generator().manual_seed(5))
    means, values = batch.predict(inputs)
    for world in range(WORLDS):
        expected_means, expected_values = network(world).sequence(inputs[world][:, None], torch.zeros(1, 0))
        assert torch.allclose(means[world], expected_means[:, 0], atol=1e-6)
        assert torch.allclose(values[world], expected_values[:, 0], atol=1e-5)


@pytest.mark.parametrize("world", range(WORLDS))
def test_a_world_in_the_batch_learns_as_it_does_alone_and_not_from_padding(world: int) -> None:
    batch, whole = scattered(), experience()
    # Alone, it sees the steps that it took and no others.
    single, length = alone(batch, world), int(whole.active[:, world].sum())
    mine = of_world(whole, world, length)
    gradients = batch.gradients(batch.rows(whole))
    for name, gradient in single.gradients(single.rows(mine)).items():
        assert torch.allclose(gradients[name][world], gradient[0], atol=1e-5)
    batch.tune(whole)
    single.tune(mine)
    for name, weight in single.weights.items():
        assert torch.allclose(batch.weights[name][world], weight[0], atol=1e-5)


def test_a_worlds_gradient_is_that_of_training() -> None:
    config = FinetunePpoConfig(hidden=8, gradient_clip=1e6)
    batch, whole = tuner(config=config), experience()
    rows, trained = batch.rows(whole), network()
    gradients = batch.gradients(rows)
    part = Batch(**{name: array[1] for name, array in rows[0].items()}, state=torch.zeros(1, 0))
    Ppo(trained, config)._step(part, torch.full((ACTIONS,), -0.4))
    for name, parameter in trained.named_parameters():
        assert parameter.grad is not None
        assert torch.allclose(gradients[name][1], parameter.grad, atol=1e-5)


def test_the_advantage_at_an_episodes_end_looks_no_further() -> None:
    batch, whole = tuner(), experience()
    values = batch.predict(torch.from_numpy(whole.inputs).transpose(0, 1))[1].numpy()
    following = batch.predict(torch.from_numpy(whole.following).transpose(0, 1))[1].numpy()
    returns = batch.rows(whole)[0]["returns"].numpy()[:, :, 0]
    assert returns[0, 11] == pytest.approx(0.5 * whole.rewards[11, 0] + 0.99 * following[0, 11], abs=1e-5)
    assert returns[1, 4] == pytest.approx(0.5 * whole.rewards[4, 1], abs=1e-5)
    step = 0.5 * whole.rewards[3, 1] + 0.99 * following[1, 3] - values[1, 3]
    assert returns[1, 3] - values[1, 3] == pytest.approx(step + 0.99 * 0.95 * (returns[1, 4] - values[1, 4]), abs=1e-5)


def test_advantages_are_normalised_in_each_world_over_the_steps_that_it_took() -> None:
    rng = np.random.default_rng(0)
    active = np.arange(10)[:, None] < np.array([10, 4, 0])
    found = normalised((5 + 3 * rng.standard_normal((10, 3))).astype(np.float32), active)
    for world, length in ((0, 10), (1, 4)):
        assert found[:length, world].mean() == pytest.approx(0, abs=1e-5)
        assert found[:length, world].std() == pytest.approx(1, abs=1e-5)
    assert not found[~active].any()


def test_gradients_are_clipped_in_each_world() -> None:
    gradients = {"a": torch.tensor([[3.0, 0.0], [0.3, 0.0]]), "b": torch.tensor([[[4.0]], [[0.4]]])}
    clipped = clip_gradients(gradients, 1.0)
    assert clipped["a"].tolist() == [pytest.approx([0.6, 0.0], abs=1e-5), pytest.approx([0.3, 0.0], abs=1e-5)]
    assert clipped["b"].flatten().tolist() == pytest.approx([0.8, 0.4], abs=1e-5)


def test_adam_equals_torchs() -> None:
    generator = torch.Generator().manual_seed(0)
    weights = {"w": torch.randn(2, 3, generator=generator)}
    other = torch.nn.Parameter(weights["w"].clone())
    optimiser, state = torch.optim.Adam([other], lr=0.1, eps=1e-5), Adam.fresh(weights)
    for _ in range(5):
        gradient = torch.randn(2, 3, generator=generator)
        other.grad = gradient.clone()
        optimiser.step()
        weights, state = state.step(weights, {"w": gradient}, 0.1)
    assert torch.allclose(weights["w"], other.detach(), atol=1e-6)


def test_each_world_finds_the_best_arm_of_its_own_bandit() -> None:
    # One state; an action pays the less the farther it is from the world's goal.
    goals, rng = np.array([[0.6, -0.4], [-0.5, 0.5], [0.0, 0.8]]), np.random.default_rng(0)
    config = FinetunePpoConfig(hidden=8, tuning_rate=3e-3)
    batch, state = tuner(config=config), np.ones((WORLDS, INPUTS), np.float32)
    for _ in range(40):
        pulls = Experience.empty(32, WORLDS, inputs=INPUTS, actions=ACTIONS)
        means = batch.predict(torch.from_numpy(state[:, None]))[0][:, 0].numpy()
        log_std = batch.weights["log_std"].numpy()
        for pull in range(32):
            actions = means + np.exp(log_std) * rng.standard_normal(means.shape, np.float32)
            pays, all_worlds = -np.square(actions - goals).sum(axis=1), np.ones(WORLDS, np.bool_)
            told = {"inputs": state, "following": state, "actions": actions, "means": means, "log_std": log_std}
            pulls.note(pull, all_worlds, **told, rewards=pays, terminal=all_worlds)
        batch.tune(pulls)
    assert means == pytest.approx(goals, abs=0.15)


def in_trial(config: FinetunePpoConfig | None = None, horizon: int = SHAPE.horizon) -> FinetunedInTrial:
    shape = dataclasses.replace(SHAPE, horizon=horizon)
    agent = FinetunePpo(SUITES.get(POINT), shape, config or FinetunePpoConfig(hidden=8), np.random.default_rng(0))
    trial = agent.start_trials(WORLDS, rng=np.random.default_rng(1))
    assert isinstance(trial, FinetunedInTrial)
    return trial


def play(
    trial: FinetunedInTrial,
    phase: Phase = "adaptation",
    *,
    explore: bool = True,
    lengths: tuple[int, ...] = (20, 20, 20),
    after_the_end: float = 0.0,
) -> None:
    """Plays an episode in which the first action pays; ``after_the_end`` is what ended worlds show."""
    trial.begin_episode(np.zeros((WORLDS, 2), np.float32), episode=0, phase=phase)
    observations = np.zeros((WORLDS, 2), np.float32)
    for step in range(max(lengths)):
        active = step < np.array(lengths)
        actions = np.asarray(trial.act(observations, active=active, explore=explore), np.float64)
        following = np.where(active[:, None], observations + 0.1 * actions, after_the_end).astype(np.float32)
        rewards: NDArray[np.float64] = np.where(active, actions[:, 0], after_the_end)
        ends = step + 1 == np.array(lengths)
        trial.observe(Transition(observations, actions, rewards, ends, ~ends & False, following, active))
        observations = following
    trial.end_episode()


def same(first: FinetunedInTrial, second: FinetunedInTrial) -> bool:
    pairs = zip(first._tuner.weights.values(), second._tuner.weights.values(), strict=True)
    return all(torch.equal(*pair) for pair in pairs)


def test_only_explored_adaptation_episodes_are_learned_from() -> None:
    trial, untouched = in_trial(), in_trial()
    play(trial, "evaluation")
    play(trial, "evaluation", explore=False)
    play(trial, "adaptation", explore=False)
    assert same(trial, untouched)
    play(trial)
    assert not same(trial, untouched)


def test_forks_are_independent_when_they_learn() -> None:
    trial, alike = in_trial(), in_trial()
    play(trial)
    play(alike)
    fork = trial.fork()
    play(fork)
    assert same(trial, alike)
    assert not same(fork, trial)
    play(trial)
    assert same(fork, trial)


def test_what_follows_an_early_end_is_not_learned_from() -> None:
    first, second = in_trial(), in_trial()
    play(first, lengths=(20, 4, 20))
    play(second, lengths=(20, 4, 20), after_the_end=float("nan"))
    assert same(first, second)


def test_training_is_that_of_multitask_ppo() -> None:
    config, trained = FinetunePpoConfig(hidden=8, num_worlds=4, steps=50), []
    for agent_type in (FinetunePpo, MultitaskPpo):
        agent = agent_type(SUITES.get(POINT), SHAPE, config, np.random.default_rng(0))
        ground = TrainingGround(make_suite(POINT), trial=SHAPE, budget=400, until=400, key=("test",), segment=0)
        agent.meta_train(ground, until=400, rng=np.random.default_rng(1))
        trained.append(agent.network.state_dict())
    assert all(torch.equal(trained[0][name], trained[1][name]) for name in trained[0])


def test_scales_of_single_trials_are_refused() -> None:
    config = FinetunePpoConfig(scale_by_trial=True)
    with pytest.raises(ConfigError, match="expected False"):
        FinetunePpo(SUITES.get(POINT), SHAPE, config, np.random.default_rng(0))


def test_stacked_weights_start_as_the_networks() -> None:
    weights = stack(network(), WORLDS)
    for name, parameter in network().named_parameters():
        assert torch.equal(weights[name], parameter.detach().expand(WORLDS, *parameter.shape))
