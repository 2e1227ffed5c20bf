from __future__ import annotations

import dataclasses
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box

import metarl_bench.gym as bridge
from metarl_bench.errors import ContractError
from metarl_bench.registry import SUITES
from metarl_bench.tasks import Parameter, SuiteSpec, Task
from metarl_bench.worlds import Worlds

SPEC = SuiteSpec(
    id="test/drift-v1",
    summary="a point that drifts with a hidden wind and noise",
    factory="",
    horizon=6,
    observation_space=Box(-np.inf, np.inf, (1,), np.float32),
    action_space=Box(-1.0, 1.0, (1,), np.float32),
    score="return",
    budget=1000,
    failure_return=-100.0,
    parameters=(Parameter(name="wind", unit="m/s", low=-1.0, high=1.0, meaning="drift"),),
)


class Drift(gymnasium.Env[Any, Any]):
    """Noisy on purpose: a replay is exact only if its noise is replayed too."""

    observation_space = SPEC.observation_space
    action_space = SPEC.action_space
    forgets_its_seed = False
    time_limit = 1000

    def __init__(self) -> None:
        self.wind = 0.0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=None if self.forgets_its_seed else seed)
        self.place = self.np_random.normal()
        self.time = 0
        return np.array([self.place], np.float32), {}

    def step(self, action: Any) -> Any:
        self.place += float(action[0]) + self.wind + 0.1 * self.np_random.normal()
        self.time += 1
        reward = -abs(self.place) if self.place < 50 else np.nan
        done = bool(self.place < -5)
        return (
            np.array([self.place], np.float32),
            reward,
            done,
            self.time >= self.time_limit,
            {"success": self.place > 0},
        )


class Blinded(Drift):
    """Where ``Drift`` has no reward, it has no observation."""

    def step(self, action: Any) -> Any:
        observation, reward, *rest = super().step(action)
        return (observation * np.nan, 0.0, *rest) if np.isnan(reward) else (observation, reward, *rest)


def set_wind(env: gymnasium.Env[Any, Any], task: Task) -> None:
    env.unwrapped.wind = task.number("wind")  # type: ignore[attr-defined]


def drift_worlds(*winds: float, make_env: type[Drift] = Drift, spec: SuiteSpec = SPEC) -> bridge.EnvWorlds:
    worlds = bridge.EnvWorlds(spec, len(winds), make_env=make_env, set_task=set_wind)
    worlds.set_tasks(
        [Task(suite=spec.id, split="test", index=i, params=(("wind", wind),)) for i, wind in enumerate(winds)]
    )
    return worlds


def test_every_suite_has_a_name_in_gymnasium_and_a_second_registration_changes_nothing() -> None:
    bridge.register_suites()  # those that other tests have registered, too
    before = dict(gymnasium.registry)
    assert {bridge.gym_id(spec.id) for spec in SUITES.all()} <= set(before)
    bridge.register_suites()
    assert dict(gymnasium.registry) == before


def test_make_vec_gives_the_suites_worlds() -> None:
    env = gymnasium.make_vec("metarl_bench.gym:metarl-bench/toy-point-robot-v1", num_envs=3)
    assert isinstance(env.unwrapped, Worlds)
    observations, _ = env.reset(seed=0)
    assert observations.shape == (3, *env.single_observation_space.shape)
    env.close()


def test_tasks_are_resampled_at_reset_in_the_masked_worlds_only() -> None:
    env = gymnasium.make_vec("metarl-bench/toy-point-robot-v1", num_envs=3)
    worlds = env.unwrapped
    assert isinstance(worlds, Worlds)
    env.reset(seed=0)
    before = worlds.privileged_parameters()
    env.reset(options={"reset_mask": np.array([True, False, True])})
    changed = (worlds.privileged_parameters() != before).any(axis=1)
    assert changed.tolist() == [True, False, True]


def test_the_seed_of_reset_names_the_tasks() -> None:
    def tasks(seed: int) -> Any:
        env = gymnasium.make_vec("metarl-bench/toy-point-robot-v1", num_envs=4)
        env.reset(seed=seed)
        assert isinstance(env.unwrapped, Worlds)
        return env.unwrapped.privileged_parameters()

    np.testing.assert_array_equal(tasks(7), tasks(7))
    assert (tasks(7) != tasks(8)).all()


def test_an_adapted_env_plays_its_tasks_to_the_horizon() -> None:
    worlds = drift_worlds(-0.5, 0.5)
    worlds.reset(seed=0)
    rewards = np.zeros(2)
    for step in range(SPEC.horizon):
        observations, reward, terminated, truncated, infos = worlds.step(np.zeros((2, 1)))
        rewards += reward
        assert truncated.all() == (step == SPEC.horizon - 1)
    assert not terminated.any()
    assert observations[1, 0] - observations[0, 0] > 3  # a metre a step apart, and some noise
    assert infos["success"][1]
    frozen, reward, *_ = worlds.step(np.ones((2, 1)))
    np.testing.assert_array_equal(frozen, observations)
    assert not reward.any()


def test_a_snapshot_of_an_adapted_env_continues_exactly_in_other_worlds() -> None:
    rng = np.random.default_rng(0)
    worlds = drift_worlds(-2.0, 0.3, 0.9)  # the first one terminates on the way
    worlds.reset(seed=3)
    actions = rng.uniform(-1, 1, (SPEC.horizon, 3, 1))
    for step in range(4):
        worlds.step(actions[step])
    snapshot = worlds.snapshot()
    expected = [worlds.step(action)[:4] for action in actions[4:]]
    assert expected[0][2].tolist() == [True, False, False]

    others = drift_worlds(-2.0, 0.3, 0.9)
    others.reset(seed=99)
    others.restore(snapshot)
    for action, wanted in zip(actions[4:], expected, strict=True):
        for got, want in zip(others.step(action)[:4], wanted, strict=True):
            np.testing.assert_array_equal(got, want)


def test_restore_refuses_an_env_that_its_seed_does_not_determine() -> None:
    class Forgetful(Drift):
        forgets_its_seed = True

    worlds = drift_worlds(0.0, make_env=Forgetful)
    worlds.reset(seed=0)
    worlds.step(np.zeros((1, 1)))
    with pytest.raises(ContractError, match=r"World 0 of test/drift-v1 ends elsewhere.*np_random"):
        worlds.restore(worlds.snapshot())


def test_a_time_limit_shorter_than_the_horizon_is_named() -> None:
    class Limited(Drift):
        time_limit = 2

    worlds = drift_worlds(0.0, make_env=Limited)
    worlds.reset(seed=0)
    worlds.step(np.zeros((1, 1)))
    with pytest.raises(ContractError, match="truncated after 2 steps; expected episodes of 6"):
        worlds.step(np.zeros((1, 1)))
    drift_worlds(0.0, make_env=Limited, spec=dataclasses.replace(SPEC, horizon=2)).close()


@pytest.mark.parametrize("make_env", [Drift, Blinded])
def test_a_nan_reward_or_observation_ends_the_episode_as_failed(make_env: type[Drift]) -> None:
    worlds = drift_worlds(100.0, 0.0, make_env=make_env)
    worlds.reset(seed=0)
    _, rewards, terminated, _, infos = worlds.step(np.zeros((2, 1)))
    assert infos["invalid"].tolist() == [True, False]
    assert terminated.tolist() == [True, False]
    assert rewards[0] == SPEC.failure_return
