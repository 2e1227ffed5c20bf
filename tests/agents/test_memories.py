"""What every memory over trials keeps to: the GRU and the transformer alike."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from metarl_agents.common.inputs import InputEncoder
from metarl_agents.common.networks import ActorCritic
from metarl_agents.common.ppo import make_batch
from metarl_agents.common.rollouts import TrialCollector, values_and_bootstraps
from metarl_agents.rl2_transformer.network import TransformerActorCritic
from metarl_bench.agents import TrialShape
from metarl_bench.metering import TrainingGround
from metarl_bench.registry import SUITES, make_suite

POINT = "toy/point-robot-v1"
WORLDS, INPUTS, STEPS = 4, 6, 90

SIZES: dict[str, Any] = {"num_observed": 2, "num_history": 4, "num_actions": 2, "hidden": 8, "initial_log_std": -0.5}


def make_gru() -> ActorCritic:
    return ActorCritic(**SIZES, memory=8, generator=torch.Generator().manual_seed(0))


def make_transformer(layers: int) -> ActorCritic:
    generator = torch.Generator().manual_seed(0)
    return TransformerActorCritic(**SIZES, memory=8, layers=layers, heads=2, generator=generator)


@pytest.fixture(params=["gru", "transformer-1", "transformer-2"])
def network(request: pytest.FixtureRequest) -> ActorCritic:
    made = make_gru() if request.param == "gru" else make_transformer(int(request.param[-1]))
    # Away from the start, where small weights would hide the memory.
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter += 0.3 * torch.randn(parameter.shape, generator=generator)
    return made


def draw(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(2))


def play(network: ActorCritic, inputs: torch.Tensor, state: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns means and values of every step."""
    means, values = [], []
    with torch.inference_mode():
        for row in inputs:
            mean, noted, state = network.step(row, state)
            means.append(mean)
            values.append(network.values(row, noted))
    return torch.stack(means), torch.stack(values)


def remember(network: ActorCritic, inputs: torch.Tensor) -> Any:
    """Returns the state after the first steps of trials."""
    state = network.fresh(WORLDS)
    with torch.inference_mode():
        for row in inputs:
            _, _, state = network.step(row, state)
    return state


def beginning(network: ActorCritic, state: Any) -> Any:
    """Returns what sequences that begin with a state start from."""
    recalled = network.recall(state)
    everyone = torch.arange(WORLDS)
    return state if recalled is None else recalled.begin(everyone, torch.zeros(WORLDS, dtype=torch.bool))


def same(left: torch.Tensor, right: torch.Tensor) -> bool:
    return torch.allclose(left, right, atol=2e-5)


@pytest.mark.parametrize("cut", [0, 1, 30, 89])
def test_steps_equal_the_sequence_from_wherever_it_begins(network: ActorCritic, cut: int) -> None:
    inputs = draw(STEPS, WORLDS, INPUTS)
    means, values = play(network, inputs, network.fresh(WORLDS))

    found_means, found_values = network.sequence(inputs[cut:], beginning(network, remember(network, inputs[:cut])))

    assert same(found_means, means[cut:])
    assert same(found_values, values[cut:])


def test_the_past_matters(network: ActorCritic) -> None:
    inputs = draw(STEPS, WORLDS, INPUTS)
    changed = inputs.clone()
    changed[10, 1] += 1.0
    before, after = (play(network, rows, network.fresh(WORLDS))[0] for rows in (inputs, changed))
    assert torch.equal(before[:10], after[:10])
    assert (before[10:13, 1] != after[10:13, 1]).any(dim=1).all()
    assert torch.equal(before[:, [0, 2, 3]], after[:, [0, 2, 3]])


def test_forgetting_begins_a_new_trial_in_some_worlds(network: ActorCritic) -> None:
    inputs = draw(STEPS, WORLDS, INPUTS)
    state = remember(network, inputs[:70])
    forgotten = torch.tensor([True, False, False, True])
    state = network.forget(state, forgotten)

    means, _ = play(network, inputs[70:], state)

    as_new, _ = play(network, inputs[70:], network.fresh(WORLDS))
    going_on, _ = play(network, inputs, network.fresh(WORLDS))
    assert same(means[:, forgotten], as_new[:, forgotten])
    assert same(means[:, ~forgotten], going_on[70:, ~forgotten])


def test_worlds_that_wait_remember_what_they_knew(network: ActorCritic) -> None:
    inputs, active = draw(STEPS, WORLDS, INPUTS), torch.tensor([True, False, True, False])
    state = remember(network, inputs[:40])
    for row in inputs[40:70]:
        with torch.inference_mode():
            _, _, following = network.step(row, state)
            state = network.keep(following, state, active)

    means, _ = play(network, inputs[70:], state)

    waited, _ = play(network, torch.cat([inputs[:40], inputs[70:]]), network.fresh(WORLDS))
    stepped, _ = play(network, inputs, network.fresh(WORLDS))
    assert same(means[:, ~active], waited[40:, ~active])
    assert same(means[:, active], stepped[70:, active])


def test_a_copy_goes_its_own_way(network: ActorCritic) -> None:
    inputs = draw(STEPS, WORLDS, INPUTS)
    state = remember(network, inputs[:40])
    twin = network.copy(state)
    play(network, -inputs[40:], state)

    means, _ = play(network, inputs[40:], twin)

    expected, _ = play(network, inputs, network.fresh(WORLDS))
    assert torch.equal(means, expected[40:])


def test_rollouts_are_replayed_as_they_were_collected_even_after_learning(network: ActorCritic) -> None:
    shape = TrialShape(adaptation_episodes=2, evaluation_episodes=1, horizon=20)
    ground = TrainingGround(make_suite(POINT), trial=shape, budget=10_000, until=10_000, key=("test",), segment=0)
    encoder = InputEncoder(SUITES.get(POINT), remembers=True, privileged=False)
    rng = np.random.default_rng(0)
    # Trials of 60 steps, staggered by 10, in rollouts of 25: they begin anywhere.
    collector = TrialCollector(ground, network, encoder, num_worlds=WORLDS, episodes=3, stagger=10, rng=rng)
    for _ in range(5):
        rollout = collector.collect(25)
        values, _ = values_and_bootstraps(network, rollout)
        batch = make_batch(rollout, values.astype(np.float32), rollout.rewards.astype(np.float32), length=25)
        batch = batch.select(torch.arange(len(batch)).flip(0))
        means, found_values = network.sequence(batch.inputs, batch.state)
        inside = batch.weights.bool()
        assert same(means[inside], batch.means[inside])
        assert same(found_values[inside], batch.advantages[inside])
        with torch.no_grad():
            for parameter in network.parameters():
                parameter *= 0.95
