"""The bridge to stable-baselines3: its worlds, its budget, its files, and that it learns."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stable_baselines3 import A2C, DDPG, PPO, SAC, TD3
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.noise import NormalActionNoise
from stable_baselines3.common.vec_env import VecEnv, VecNormalize

from metarl_agents.sb3.agent import Sb3Agent, rollout_steps
from metarl_agents.sb3.config import Sb3Config
from metarl_agents.sb3.files import acting_groups, learning_groups
from metarl_agents.sb3.worlds import GroundVecEnv
from metarl_agents.sb3_ppo.config import Sb3PpoConfig
from metarl_agents.sb3_sac.config import Sb3SacConfig
from metarl_bench import protocols
from metarl_bench.agents import TrialShape
from metarl_bench.cells import Cell
from metarl_bench.errors import BudgetExceeded, ContractError
from metarl_bench.metering import TrainingGround
from metarl_bench.registry import AGENTS, make_suite
from metarl_bench.runner import run_cell
from metarl_bench.scratch import OneTaskSuite
from metarl_bench.tasks import Suite
from metarl_bench.worlds import Outcome, WorldIndex
from metarl_suites.toy.specs import POINT_ROBOT
from metarl_suites.toy.suite import PointRobotSuite
from metarl_suites.toy.worlds import PointRobotWorlds
from tests.bench import support

SUITE = make_suite("toy/point-robot-v1")
HORIZON = SUITE.spec.horizon
TRIAL = TrialShape(adaptation_episodes=0, evaluation_episodes=1, horizon=HORIZON)
README = Path(__file__).parents[2] / "agents" / "metarl_agents" / "sb3" / "README.md"


class Fragile(PointRobotWorlds):
    """World 0 breaks in every third step."""

    def _advance(self, worlds: WorldIndex, actions: np.ndarray) -> Outcome:
        outcome = super()._advance(worlds, actions)
        broken = (np.arange(self.num_envs) == 0) & (self._elapsed == 2)
        return outcome._replace(terminated=broken[worlds])


class FragileSuite(PointRobotSuite):
    worlds = Fragile


def ground(
    *, budget: int = 10_000, until: int | None = None, steps: int = 0, segment: int = 0, suite: Suite = SUITE
) -> TrainingGround:
    return TrainingGround(
        suite,
        trial=TRIAL,
        budget=budget,
        until=until or budget,
        key=("sb3",),
        segment=segment,
        steps=steps,
        issued=steps,  # more than were drawn, so that all handles stay known
    )


def opened(training: TrainingGround, num_worlds: int = 3) -> GroundVecEnv:
    worlds = GroundVecEnv(SUITE.spec, num_worlds)
    worlds.open(training)
    return worlds


# -- the worlds --------------------------------------------------------------------------------------------------------


def test_arrays_have_the_shapes_and_types_that_algorithms_expect() -> None:
    worlds = opened(ground())
    observations = worlds.reset()
    assert (observations.shape, observations.dtype) == ((3, 2), np.float32)
    observations, rewards, dones, infos = worlds.step(np.zeros((3, 2), np.float32))
    assert (observations.shape, observations.dtype) == ((3, 2), np.float32)
    assert (rewards.shape, rewards.dtype, dones.shape, dones.dtype) == ((3,), np.float32, (3,), np.bool_)
    assert infos == [{}, {}, {}]
    assert worlds.observation_space == SUITE.spec.observation_space
    assert worlds.env_is_wrapped(VecNormalize) == [False] * 3


def test_an_episode_that_is_cut_says_what_came_last_and_the_next_one_has_begun() -> None:
    training = ground()
    worlds = opened(training)
    before = worlds.reset()
    total = np.zeros(3)
    for _ in range(HORIZON):
        drawn = training.issued
        actions = np.full((3, 2), 0.5, np.float32)
        observations, rewards, dones, infos = worlds.step(actions)
        total += rewards
    assert dones.all()
    assert training.issued == drawn + 3
    for world, info in enumerate(infos):
        # 20 steps of 0.05 m.
        assert info["terminal_observation"] == pytest.approx(before[world] + 1.0, abs=1e-5)
        assert info["TimeLimit.truncated"] is True
        assert info["episode"] == {"r": pytest.approx(total[world], rel=1e-5), "l": HORIZON}
        assert not np.allclose(observations[world], info["terminal_observation"])


def test_an_episode_that_ends_by_itself_is_not_called_cut() -> None:
    suite = FragileSuite(spec=POINT_ROBOT)
    worlds = opened(ground(suite=suite))
    worlds.reset()
    for _ in range(3):
        _, _, dones, infos = worlds.step(np.zeros((3, 2), np.float32))
    assert dones.tolist() == [True, False, False]
    assert infos[0]["TimeLimit.truncated"] is False
    assert infos[0]["episode"]["l"] == 3
    assert infos[1:] == [{}, {}]


def test_a_step_over_the_segments_end_is_refused() -> None:
    training = ground(until=7)
    worlds = opened(training)
    worlds.reset()
    for _ in range(2):
        worlds.step(np.zeros((3, 2), np.float32))
    with pytest.raises(BudgetExceeded):
        worlds.step(np.zeros((3, 2), np.float32))
    assert training.steps == 6


def test_worlds_are_there_in_training_only() -> None:
    worlds = GroundVecEnv(SUITE.spec, 3)
    with pytest.raises(ContractError, match="no worlds outside training"):
        worlds.reset()
    with pytest.raises(ContractError, match="cannot be changed"):
        worlds.set_attr("steps", 0)


def test_seeding_an_algorithm_leaves_the_suites_spaces_alone() -> None:
    before = SUITE.spec.action_space.np_random.bit_generator.state
    make(tiny_sac).model.set_random_seed(3)
    assert SUITE.spec.action_space.np_random.bit_generator.state == before


# -- any algorithm -----------------------------------------------------------------------------------------------------

Maker = Callable[[VecEnv], BaseAlgorithm]


def net() -> dict[str, Any]:
    """Small networks; a dictionary of its own, since algorithms write into theirs."""
    return {"net_arch": [16, 16]}


def tiny_ppo(worlds: VecEnv) -> BaseAlgorithm:
    normalised = VecNormalize(worlds)
    return PPO("MlpPolicy", normalised, n_steps=16, batch_size=16, n_epochs=2, policy_kwargs=net(), device="cpu")


def tiny_a2c(worlds: VecEnv) -> BaseAlgorithm:
    return A2C("MlpPolicy", worlds, n_steps=5, policy_kwargs=net(), device="cpu")


def tiny_sac(worlds: VecEnv) -> BaseAlgorithm:
    # A buffer that runs full.
    return SAC("MlpPolicy", worlds, buffer_size=150, train_freq=3, batch_size=16, policy_kwargs=net(), device="cpu")


def tiny_td3(worlds: VecEnv) -> BaseAlgorithm:
    noise = NormalActionNoise(np.zeros(2), np.full(2, 0.1))
    return TD3("MlpPolicy", VecNormalize(worlds), action_noise=noise, batch_size=16, policy_kwargs=net(), device="cpu")


def tiny_ddpg(worlds: VecEnv) -> BaseAlgorithm:
    # One world, since whole episodes are counted.
    return DDPG("MlpPolicy", worlds, train_freq=(2, "episode"), batch_size=16, policy_kwargs=net(), device="cpu")


ALGORITHMS = {"ppo": (tiny_ppo, 3), "a2c": (tiny_a2c, 3), "sac": (tiny_sac, 3), "td3": (tiny_td3, 3)}
ALGORITHMS["ddpg"] = (tiny_ddpg, 1)


def make(maker: Maker, num_worlds: int = 3, *, seed: int = 0) -> Sb3Agent:
    class Agent(Sb3Agent):
        def make_model(self, worlds: VecEnv) -> BaseAlgorithm:
            return maker(worlds)

    return Agent(SUITE.spec, TRIAL, Sb3Config(num_worlds=num_worlds), np.random.default_rng(seed))


def segment(agent: Sb3Agent, number: int, *, steps: int = 0, until: int) -> int:
    training = ground(budget=400, until=until, steps=steps, segment=number)
    agent.meta_train(training, until=until, rng=np.random.default_rng([7, number]))
    return training.steps


def state(agent: Sb3Agent) -> dict[str, np.ndarray]:
    groups = acting_groups(agent.model) | learning_groups(agent.model)
    return {f"{group}/{name}": array.copy() for group, arrays in groups.items() for name, array in arrays.items()}


@pytest.mark.parametrize("until", [1, 29, 150, 211, 400])
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_training_stops_less_than_a_rollout_before_an_awkward_end(algorithm: str, until: int) -> None:
    agent = make(*ALGORITHMS[algorithm])
    rollout = rollout_steps(agent.model, HORIZON)
    steps = segment(agent, 0, until=until)
    assert until - rollout < steps <= until
    assert agent.model.num_timesteps == steps


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_training_goes_on_from_files_as_if_it_had_not_stopped(algorithm: str, tmp_path: Path) -> None:
    agent = make(*ALGORITHMS[algorithm])
    steps = segment(agent, 0, until=200)
    for name, save in (("weights", agent.save), ("training", agent.save_training)):
        (tmp_path / name).mkdir()
        save(tmp_path / name)
    other = make(*ALGORITHMS[algorithm], seed=1)
    other.load(tmp_path / "weights")
    other.load_training(tmp_path / "training")
    first = state(other)
    for each in (agent, other):
        assert segment(each, 1, steps=steps, until=400) > steps
    expected, found = state(agent), state(other)
    assert found.keys() == expected.keys()
    assert [name for name in found if not np.array_equal(found[name], expected[name])] == []
    # It did learn in between.
    assert any(not np.array_equal(first[name], found[name]) for name in found if name.startswith("policy/"))


def test_schedules_count_from_the_whole_budget() -> None:
    rates = []

    def scheduled(worlds: VecEnv) -> BaseAlgorithm:
        return PPO("MlpPolicy", worlds, n_steps=10, batch_size=10, learning_rate=lambda left: left, device="cpu")

    agent = make(scheduled, 4)
    steps = 0
    for number, until in enumerate((200, 400)):
        steps = segment(agent, number, steps=steps, until=until)
        rates.append(agent.model.policy.optimizer.param_groups[0]["lr"])
    assert rates == pytest.approx([0.5, 0.0])


def test_its_own_logger_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SB3_LOGDIR", str(tmp_path / "log"))
    agent = make(tiny_ppo)
    segment(agent, 0, until=200)
    assert not (tmp_path / "log").exists()
    assert {"loss", "return_per_episode"} <= set(agent.training_log())


def test_statistics_are_frozen_outside_training() -> None:
    agent = make(tiny_ppo)
    segment(agent, 0, until=200)
    before = state(agent)
    trial = agent.start_trials(4, rng=np.random.default_rng(0))
    for explore in (True, False):
        actions = trial.act(np.full((4, 2), 9.0, np.float32), active=np.ones(4, np.bool_), explore=explore)
        assert actions.shape == (4, 2)
    after = state(agent)
    assert all(np.array_equal(before[name], after[name]) for name in before)


# As scratch-v1, but small: two learners of 240 steps each.
SMALL = dataclasses.replace(
    protocols.SCRATCH,
    id="scratch-small-v1",
    num_tasks=2,
    num_trials=2,
    checkpoints=(3,),
    budget=6,
    evaluation_episodes=1,
)


@pytest.mark.parametrize(
    ("agent", "config"),
    [
        ("sb3-ppo", (("num_worlds", 3), ("steps", 8), ("batch", 24), ("epochs", 1))),
        ("sb3-sac", (("num_worlds", 3), ("random_steps", 50), ("hidden", 8), ("batch", 8))),
    ],
)
def test_learners_from_scratch_that_were_stopped_end_as_if_they_had_not(
    agent: str, config: tuple[tuple[str, object], ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocols, "PROTOCOLS", (SMALL,))
    cell = Cell(protocol=SMALL.id, suite=SUITE.spec.id, agent=agent, seed=0, config=config)
    whole = run_cell(cell, tmp_path / "whole")
    assert run_cell(cell, tmp_path / "parts", until=130).status == "partial"
    resumed = run_cell(cell, tmp_path / "parts")
    assert (resumed.status, resumed.episodes_failed, resumed.resumed) == ("complete", 0, True)
    assert 2 * (240 - 24) < whole.steps == resumed.steps <= 2 * 240
    assert support.result_bytes(resumed.folder) == support.result_bytes(whole.folder)


# -- that it learns ----------------------------------------------------------------------------------------------------


def episode_return(agent: Sb3Agent, suite: OneTaskSuite) -> float:
    worlds = suite.make_worlds(10)
    worlds.set_tasks([suite.only] * 10)
    observations, _ = worlds.reset(seed=list(range(10)))
    trial, total = agent.start_trials(10, rng=np.random.default_rng(0)), np.zeros(10)
    for _ in range(HORIZON):
        actions = trial.act(observations, active=np.ones(10, np.bool_), explore=False)
        observations, rewards, *_ = worlds.step(actions)
        total += rewards
    return float(total.mean())


@pytest.mark.parametrize(
    ("agent_id", "config", "steps"),
    [
        ("sb3-ppo", Sb3PpoConfig(steps=64, discount=0.9, learning_rate=1e-3), 8_000),
        (
            "sb3-sac",
            Sb3SacConfig(num_worlds=4, updates=2, hidden=32, batch=64, discount=0.9, learning_rate=5e-3),
            1_600,
        ),
    ],
    ids=["sb3-ppo", "sb3-sac"],
)
def test_learns_one_task_in_seconds(agent_id: str, config: Sb3Config, steps: int) -> None:
    suite = OneTaskSuite.of(SUITE, SUITE.tasks("validation")[0])
    agent = AGENTS.get(agent_id).build(suite.spec, TRIAL, config, np.random.default_rng(0))
    assert isinstance(agent, Sb3Agent)
    untrained = episode_return(agent, suite)
    agent.meta_train(ground(budget=steps, suite=suite), until=steps, rng=np.random.default_rng(1))
    # The goal is in a corner: standing still costs 25, and going straight there 7.
    assert untrained < -18.0
    assert episode_return(agent, suite) > -12.0


# -- the example -------------------------------------------------------------------------------------------------------


def test_the_example_of_the_readme_runs(tmp_path: Path) -> None:
    ((name, code),) = re.findall(r"^```python\n# (\w+\.py)\n(.*?)^```$", README.read_text(), re.M | re.S)
    (tmp_path / name).write_text(code)
    done = subprocess.run([sys.executable, name], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["complete"]
