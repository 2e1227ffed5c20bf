"""The robots against Gymnasium's, and what ends an episode."""

from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
import pytest

from metarl_bench.registry import SUITES, make_suite
from metarl_bench.tasks import Suite, Task
from metarl_suites.locomotion.models import load

IDS = [spec.id for spec in SUITES.all() if spec.factory.startswith("metarl_suites.locomotion.")]
ASSETS = ("half_cheetah", "ant", "walker", "hopper", "humanoid")
STEPS = 200


@dataclass(frozen=True)
class Parity:
    suite: str
    env: str
    env_options: dict[str, Any]
    num_positions: int
    num_velocities: int
    free: bool
    speed_weight: float = 1.0
    control_scale: float = 1.0

    def task(self, suite: Suite) -> Task:
        """Returns the task that Gymnasium's environment is, or one that differs in its goal alone."""
        return suite.task("train", 0, **{p.name: 0.7 if self.free else 1.0 for p in suite.spec.parameters})

    def velocity(self, before: np.ndarray, after: np.ndarray, step_s: float) -> float:
        """Returns the speed that the task pays for."""
        heading = np.array([np.cos(0.7), np.sin(0.7)]) if self.free else np.array([1.0, 0.0])
        return float((after[:2] - before[:2]) @ heading / step_s)


BLIND = {f"include_{name}_in_observation": False for name in ("cfrc_ext",)}
BLIND_HUMANOID = {f"include_{name}_in_observation": False for name in ("cfrc_ext", "cinert", "cvel", "qfrc_actuator")}
PARITY = [
    Parity("locomotion/ant-direction-v1", "Ant-v5", BLIND, 15, 14, True),
    Parity("locomotion/walker-params-v1", "Walker2d-v5", {}, 9, 9, False),
    Parity("locomotion/hopper-params-v1", "Hopper-v5", {}, 6, 6, False),
    Parity("locomotion/humanoid-direction-v1", "Humanoid-v5", BLIND_HUMANOID, 24, 23, True, 1.25, 0.4),
]


@pytest.mark.parametrize("parity", PARITY, ids=lambda parity: parity.env)
def test_physics_and_reward_terms_equal_gymnasiums(parity: Parity) -> None:
    suite = make_suite(parity.suite)
    worlds = suite.make_worlds(1, num_threads=1)
    worlds.set_tasks([parity.task(suite)])
    env: Any = gymnasium.make(parity.env, **parity.env_options).unwrapped
    env.reset(seed=0)
    rng = np.random.default_rng(0)
    ended, falls = True, 0
    for step in range(STEPS):
        if ended:
            worlds.reset(seed=step)
            physics = worlds.snapshot()["physics"][0]
            env.set_state(*np.split(physics[1:], [parity.num_positions]))
        action = rng.uniform(-1.0, 1.0, env.action_space.shape)
        before = env.data.qpos.copy()
        env.data.qacc_warmstart[:] = 0  # the suites' stated rule
        expected, _, fallen, _, info = env.step(parity.control_scale * action)
        observations, rewards, terminated, _, infos = worlds.step(action[None])
        ended = bool(terminated[0])
        assert np.array_equal(observations[0], expected.astype(np.float32))
        assert ended == fallen
        assert not infos["invalid"][0]
        falls += ended
        if not ended:
            speed = parity.speed_weight * parity.velocity(before, env.data.qpos, env.dt)
            terms = info["reward_ctrl"] + info["reward_survive"]
            assert rewards[0] == pytest.approx(speed + terms, abs=1e-9)
    assert falls > 0


@pytest.mark.parametrize("asset", ASSETS)
def test_a_model_is_small(asset: str) -> None:
    model = load(asset)
    assert model.ntex == 0
    assert model.nbuffer < 60_000


# Where the torso is put, by the index of its joint position: just outside the healthy range.
OUTSIDE = {
    "locomotion/ant-direction-v1": (2, 1.2),
    "locomotion/walker-params-v1": (2, 1.1),
    "locomotion/hopper-params-v1": (2, 0.3),
    "locomotion/humanoid-direction-v1": (2, 2.2),
}


@pytest.mark.parametrize("suite_id", IDS)
def test_a_fall_ends_the_episode_where_the_definition_has_one(suite_id: str) -> None:
    suite = make_suite(suite_id)
    worlds = ready(suite)
    index, value = OUTSIDE.get(suite_id, (2, 3.0))
    state = worlds.snapshot()
    state["physics"][0, 1 + index] = value
    worlds.restore(state)
    _, rewards, terminated, _, infos = worlds.step(np.zeros((2, *suite.spec.action_space.shape)))
    assert not infos["invalid"].any()
    assert terminated.tolist() == [suite_id in OUTSIDE, False]
    assert suite.spec.failure_return < rewards[0]


def test_a_fall_of_the_ant_costs_the_rest_of_the_episode() -> None:
    worlds = ready(make_suite("locomotion/ant-direction-v1"))
    for _ in range(9):
        worlds.step(np.zeros((2, 8)))
    state = worlds.snapshot()
    state["physics"][0] = state["physics"][1]
    state["goals"][0] = state["goals"][1]
    state["physics"][0, 3] = 1.2
    worlds.restore(state)
    _, rewards, terminated, _, _ = worlds.step(np.zeros((2, 8)))
    assert terminated.tolist() == [True, False]
    assert rewards[0] < rewards[1] - 4.0 * 190 + 5.0


@pytest.mark.parametrize("speed", [1000.0, np.nan])
@pytest.mark.parametrize("suite_id", [spec.id for spec in SUITES.all() if spec.family == "locomotion"])
def test_a_world_that_broke_the_simulator_fails_at_the_lower_bound(suite_id: str, speed: float) -> None:
    suite = make_suite(suite_id)
    worlds = ready(suite)
    state = worlds.snapshot()
    state["physics"][0, 1 + worlds.scene(0)[0].nq] = speed
    worlds.restore(state)
    _, rewards, terminated, _, infos = worlds.step(np.zeros((2, *suite.spec.action_space.shape)))
    assert infos["invalid"].tolist() == [True, False]
    assert terminated.tolist() == [True, False]
    assert not infos["success"].any()
    assert rewards[0] == suite.spec.failure_return


def ready(suite: Suite) -> Any:
    worlds = suite.make_worlds(2, num_threads=1)
    worlds.set_tasks(suite.sample_tasks(2, np.random.default_rng(0)))
    worlds.reset(seed=0)
    return worlds
