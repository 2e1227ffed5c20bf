"""The half cheetah in MuJoCo: reset, step, observation and reward of a batch of worlds."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from importlib.resources import files
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from metarl_bench.tasks import SuiteSpec, Task
from metarl_bench.worlds import BatchedWorlds, Outcome, WorldIndex
from metarl_suites.locomotion.specs import CONTROL_COST, MAX_SPEED
from metarl_suites.simulation import BatchSimulator

Array = NDArray[np.float64]
# Substeps of 0.01 s: one environment step is 0.05 s, as in Gymnasium's HalfCheetah.
FRAME_SKIP = 5
# rad and m (half width of a uniform) and rad/s and m/s (standard deviation), as in Gymnasium's HalfCheetah.
RESET_NOISE = 0.1
# m; height of the torso's frame where the rootz joint is 0.
TORSO_HEIGHT = 0.7


def velocity_reward(speeds: Array, goals: Array) -> Array:
    """Returns minus the distance to the speed asked for, in m/s."""
    return -np.abs(speeds - goals)


def direction_reward(speeds: Array, goals: Array) -> Array:
    """Returns the speed in the direction asked for, in m/s."""
    return speeds * goals


@functools.cache
def cheetah_model() -> mujoco.MjModel:
    """Returns the model, which all worlds share."""
    path = files("metarl_suites.locomotion") / "assets" / "half_cheetah.xml"
    return mujoco.MjModel.from_xml_string(path.read_text(encoding="utf-8"))


class CheetahWorlds(BatchedWorlds):
    """Half cheetahs whose hidden goal is one number: a speed in m/s, or a direction."""

    def __init__(
        self, suite: SuiteSpec, num_worlds: int, *, reward: Callable[[Array, Array], Array], num_threads: int
    ) -> None:
        super().__init__(suite, num_worlds)
        model = cheetah_model()
        self._simulator = BatchSimulator([model] * num_worlds, frame_skip=FRAME_SKIP, num_threads=num_threads)
        self._reward = reward
        self._goals = np.zeros(num_worlds)
        self._sees_position = suite.observation_space.shape == (20,)

    @override
    def close(self, **kwargs: Any) -> None:
        self._simulator.close()

    @override
    def _assign(self, worlds: NDArray[np.intp], tasks: Sequence[Task]) -> None:
        (goal,) = self.suite.parameters
        self._goals[worlds] = [task.number(goal.name) for task in tasks]

    @override
    def _begin(self, worlds: NDArray[np.intp], rngs: Sequence[np.random.Generator]) -> None:
        simulator = self._simulator
        simulator.state[worlds] = simulator.initial_state
        for world, rng in zip(worlds, rngs, strict=True):
            simulator.qpos[world] += rng.uniform(-RESET_NOISE, RESET_NOISE, simulator.qpos.shape[1])
            simulator.qvel[world] += RESET_NOISE * rng.standard_normal(simulator.qvel.shape[1])

    @override
    def _advance(self, worlds: WorldIndex, actions: Array) -> Outcome:
        before = self._simulator.qpos[worlds, 0].copy()
        sound = self._simulator.step(worlds, actions)
        speeds = (self._simulator.qpos[worlds, 0] - before) / self._simulator.step_s
        invalid = ~sound | (np.abs(speeds) > MAX_SPEED)
        rewards = self._reward(speeds, self._goals[worlds]) - CONTROL_COST * np.square(actions).sum(axis=1)
        never = np.zeros(len(rewards), np.bool_)
        return Outcome(rewards, terminated=never, success=never, invalid=invalid)

    @override
    def _observe(self) -> NDArray[np.float32]:
        qpos, qvel = self._simulator.qpos, self._simulator.qvel
        parts = [qpos[:, 1:], qvel]
        if self._sees_position:
            flat = np.zeros(self.num_envs)
            parts.append(np.stack([qpos[:, 0], flat, qpos[:, 1] + TORSO_HEIGHT], axis=1))
        return np.concatenate(parts, axis=1, dtype=np.float32, casting="same_kind")

    @override
    def _state(self) -> dict[str, NDArray[Any]]:
        return {"physics": self._simulator.state, "goals": self._goals}
