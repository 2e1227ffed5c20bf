"""Legged robots in MuJoCo: reset, step, observation and reward of a batch of worlds."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import mujoco
import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from metarl_bench.tasks import SuiteSpec, Task
from metarl_bench.worlds import Bools, Outcome, WorldIndex
from metarl_suites.locomotion.models import load
from metarl_suites.locomotion.rewards import Array, Motion
from metarl_suites.locomotion.robots import Robot
from metarl_suites.simulation import BatchSimulator, SimulatedWorlds


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """What the worlds of a suite do.

    Attributes:
        robot: The body.
        reward: Of a step, from what it did and the goals of the stepped worlds.
        goal: Makes the goal of a task, of shape ``goal_shape``.
        goal_shape: Empty for a number.
        edit: Writes a task into a world's own model, given the unchanged one; None where all worlds share one model.
        fall_cost: Of each step that is left when the robot falls.
    """

    robot: Robot
    reward: Callable[[Motion, Array], Array]
    goal: Callable[[Task], Any] | None = None
    goal_shape: tuple[int, ...] = ()
    edit: Callable[[mujoco.MjModel, mujoco.MjModel, Task], None] | None = None
    fall_cost: float = 0.0


class Moved(NamedTuple):
    """What a step did to the torsos, by axis: NumPy is several times as fast along worlds as along two or three axes.

    Attributes:
        speeds: Their mean over the step, m/s [axes, worlds].
        position: After it, m [axes, worlds].
        invalid: Where the simulator gave up, or a robot is faster than any can be [worlds].
    """

    speeds: Array
    position: Array
    invalid: Bools


class RobotWorlds(SimulatedWorlds):
    """A batch of one kind of robot: its simulator and its start."""

    def __init__(self, suite: SuiteSpec, robot: Robot, models: Sequence[mujoco.MjModel], *, num_threads: int) -> None:
        """Makes a world for each model."""
        super().__init__(suite, BatchSimulator(models, frame_skip=robot.frame_skip, num_threads=num_threads))
        self._robot = robot

    @override
    def _begin(self, worlds: NDArray[np.intp], rngs: Sequence[np.random.Generator]) -> None:
        simulator = self._simulator
        simulator.state[worlds] = simulator.initial_state
        for world, rng in zip(worlds, rngs, strict=True):
            self._robot.start(simulator.qpos[world], simulator.qvel[world], rng)

    def _move(self, worlds: WorldIndex, controls: Array) -> Moved:
        """Takes one environment step of physics."""
        torso = self._simulator.qpos.T[: self._robot.axes]
        before = torso[:, worlds].copy()
        sound = self._simulator.step(worlds, controls)
        position = torso[:, worlds].copy()
        speeds = (position - before) / self._simulator.step_s
        return Moved(speeds, position, ~sound | (np.abs(speeds) > self._robot.max_speed).any(axis=0))


class LeggedWorlds(RobotWorlds):
    """Robots on a floor, each with its own goal, its own model, or both."""

    def __init__(self, suite: SuiteSpec, num_worlds: int, definition: Definition, *, num_threads: int) -> None:
        base = load(definition.robot.asset)
        models = [copy.copy(base) if definition.edit else base for _ in range(num_worlds)]
        super().__init__(suite, definition.robot, models, num_threads=num_threads)
        self._definition, self._base, self._models = definition, base, models
        self._scratch = mujoco.MjData(base)
        self._goals = np.zeros((num_worlds, *definition.goal_shape))

    @override
    def _assign(self, worlds: NDArray[np.intp], tasks: Sequence[Task]) -> None:
        if self._definition.goal:
            for world, task in zip(worlds, tasks, strict=True):
                self._goals[world] = self._definition.goal(task)
        if self._definition.edit:
            for world, task in zip(worlds, tasks, strict=True):
                model = self._models[world]
                self._definition.edit(model, self._base, task)
                mujoco.mj_setConst(model, self._scratch)  # what the compiler derives from masses and inertias

    @override
    def _advance(self, worlds: WorldIndex, actions: Array) -> Outcome:
        simulator, robot = self._simulator, self._robot
        controls = robot.control_scale * actions
        speeds, position, invalid = self._move(worlds, controls)
        rewards = self._definition.reward(Motion(speeds.T, position.T, controls), self._goals[worlds])
        fallen = robot.fallen(position[-1], simulator.qpos[worlds], simulator.qvel[worlds])
        if self._definition.fall_cost:
            left = self.suite.horizon - 1 - self._elapsed[worlds]
            rewards = rewards - self._definition.fall_cost * left * fallen
        return Outcome(rewards, terminated=fallen, success=np.zeros(len(rewards), np.bool_), invalid=invalid)

    @override
    def _observe(self) -> NDArray[np.float32]:
        return self._robot.observe(self._simulator.qpos, self._simulator.qvel)

    @override
    def _state(self) -> dict[str, NDArray[Any]]:
        return {"physics": self._simulator.state, "goals": self._goals}
