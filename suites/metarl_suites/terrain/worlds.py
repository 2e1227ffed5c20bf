"""Robots on terrains: reset, step, observation, reward and falls of a batch of worlds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from metarl_bench.tasks import SuiteSpec, Task
from metarl_bench.worlds import Bools, Outcome, WorldIndex
from metarl_suites.locomotion.worlds import RobotWorlds
from metarl_suites.terrain.grounds import Array, Ground, heights
from metarl_suites.terrain.models import terrain
from metarl_suites.terrain.robots import Runner
from metarl_suites.terrain.specs import CONTROL_COST, PROGRESS, SCAN, UPRIGHT

# m below the height at which a robot has fallen: no step takes it there, unless it went through the ground.
DEEPEST = 0.5
# Under worlds without a task; of a kind with as many pieces as any, since the simulator makes room for the first model.
LEVEL = Ground("rubble", height=0.0, length=1.0, friction=1.0, layout=0.0)
_SCAN = np.array(SCAN)[:, np.newaxis]


class TerrainWorlds(RobotWorlds):
    """Robots that run along x, each on the ground of its task."""

    def __init__(self, suite: SuiteSpec, num_worlds: int, *, runner: Runner, num_threads: int) -> None:
        level = terrain(runner, LEVEL)
        super().__init__(suite, runner.body, [level.model] * num_worlds, num_threads=num_threads)
        self._runner = runner
        self._tables = np.repeat(level.table[..., np.newaxis], num_worlds, axis=2)
        self._sighted = suite.observation_space.shape != (runner.proprioception,)

    @override
    def _assign(self, worlds: NDArray[np.intp], tasks: Sequence[Task]) -> None:
        terrains = [terrain(self._runner, Ground.of(task)) for task in tasks]
        self._simulator.set_models(worlds, [found.model for found in terrains])
        for world, found in zip(worlds, terrains, strict=True):
            self._tables[..., world] = found.table

    @override
    def _advance(self, worlds: WorldIndex, actions: Array) -> Outcome:
        simulator, robot = self._simulator, self._robot
        speeds, position, invalid = self._move(worlds, actions)
        # Falls are relative to the ground. Its height is cheaper to know everywhere than the tables are to pick from.
        height = position[-1] - heights(self._tables, simulator.qpos.T[:1])[0, worlds]
        invalid |= height < robot.heights[0] - DEEPEST
        qpos, qvel = simulator.qpos[worlds], simulator.qvel[worlds]
        fallen = robot.fallen(height, qpos, qvel)
        if robot.axes == 3:
            fallen |= _on_its_back(qpos)
        rewards = PROGRESS * speeds[0] + UPRIGHT * ~fallen - CONTROL_COST * np.square(actions).sum(axis=1)
        arrived = position[0] >= self._runner.distance
        return Outcome(rewards, terminated=fallen, success=arrived & ~fallen, invalid=invalid)

    @override
    def _observe(self) -> NDArray[np.float32]:
        qpos = self._simulator.qpos
        observations = self._robot.observe(qpos, self._simulator.qvel)
        if not self._sighted:
            return observations
        ahead = heights(self._tables, qpos[:, 0] + _SCAN) - qpos[:, self._robot.axes - 1]
        return np.concatenate([observations, ahead.T], axis=1, dtype=np.float32, casting="same_kind")

    @override
    def _state(self) -> dict[str, NDArray[Any]]:
        return {"physics": self._simulator.state}


def _on_its_back(qpos: Array) -> Bools:
    """Returns which robots that turn freely (their quaternion follows three axes) have their upper side below."""
    x, y = qpos[:, 4], qpos[:, 5]
    below: Bools = 2.0 * (x**2 + y**2) > 1.0  # the vertical part of the body's z axis is 1 - 2 (x^2 + y^2)
    return below
