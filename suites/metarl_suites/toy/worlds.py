"""The physics of the toy suites: a point that moves where it is pushed, in plain numpy."""

from __future__ import annotations

import functools
import math
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from metarl_bench.tasks import SuiteSpec, Task
from metarl_bench.worlds import BatchedWorlds, Outcome, WorldIndex

STEP = 0.1  # metres an axis that the largest action moves the point (oyster)
NEAR = 0.1  # metres from the goal that count as success of the dense task: one step
SIGHT = 0.2  # metres within which the sparse task pays (oyster's goal radius)
# For pictures only: the point, and its goal as far as it counts.
DRAWING = """
<mujoco>
  <worldbody>
    <light directional="true" pos="0 0 3" dir="0 0 -1"/>
    <camera name="track" pos="0 0 4.5"/>
    <geom type="plane" size="20 20 1" rgba="0.9 0.9 0.85 1"/>
    <body mocap="true"><geom type="sphere" size="0.06" rgba="0.1 0.3 0.8 1"/></body>
    <body mocap="true"><geom type="cylinder" size="0.15 0.01" rgba="0.8 0.2 0.1 1"/></body>
  </worldbody>
</mujoco>
"""


@functools.cache
def _drawing() -> Any:
    import mujoco

    return mujoco.MjModel.from_xml_string(DRAWING)


class PointWorlds(BatchedWorlds):
    """A batch of points, each with a hidden goal; positions in metres, float64."""

    def __init__(self, suite: SuiteSpec, num_worlds: int) -> None:
        super().__init__(suite, num_worlds)
        self._goals = np.zeros((num_worlds, 2))
        self._positions = np.zeros((num_worlds, 2))

    @abstractmethod
    def _start(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """Returns the position [2] in which an episode starts."""

    @staticmethod
    @abstractmethod
    def goal(task: Task) -> tuple[float, float]:
        """Returns where a task's goal is."""

    @staticmethod
    @abstractmethod
    def reward(distances: NDArray[np.float64]) -> NDArray[np.float64]:
        """Returns what distances to the goal pay, elementwise."""

    @staticmethod
    @abstractmethod
    def solved(distances: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Returns which distances to the goal count as success, elementwise."""

    @override
    def scene(self, world: int) -> tuple[Any, Any]:
        import mujoco

        model = _drawing()
        data = mujoco.MjData(model)
        data.mocap_pos[:, :2] = self._positions[world], self.goal(self._task(world))
        mujoco.mj_forward(model, data)
        return model, data

    @override
    def _assign(self, worlds: NDArray[np.intp], tasks: Sequence[Task]) -> None:
        for world, task in zip(worlds, tasks, strict=True):
            self._goals[world] = self.goal(task)

    @override
    def _begin(self, worlds: NDArray[np.intp], rngs: Sequence[np.random.Generator]) -> None:
        for world, rng in zip(worlds, rngs, strict=True):
            self._positions[world] = self._start(rng)

    @override
    def _advance(self, worlds: WorldIndex, actions: NDArray[np.float64]) -> Outcome:
        self._positions[worlds] += STEP * actions
        distances = np.linalg.norm(self._positions[worlds] - self._goals[worlds], axis=1)
        never = np.zeros(len(distances), np.bool_)
        return Outcome(self.reward(distances), terminated=never, success=self.solved(distances), invalid=never)

    @override
    def _observe(self) -> NDArray[np.float32]:
        return self._positions.astype(np.float32)

    @override
    def _state(self) -> dict[str, NDArray[Any]]:
        return {"positions": self._positions}


class PointRobotWorlds(PointWorlds):
    """Start and goal anywhere in the square; every step costs the distance that is left."""

    @override
    def _start(self, rng: np.random.Generator) -> NDArray[np.float64]:
        return rng.uniform(-1.0, 1.0, 2)

    @staticmethod
    @override
    def goal(task: Task) -> tuple[float, float]:
        return task.number("goal_x"), task.number("goal_y")

    @staticmethod
    @override
    def reward(distances: NDArray[np.float64]) -> NDArray[np.float64]:
        return -distances

    @staticmethod
    @override
    def solved(distances: NDArray[np.float64]) -> NDArray[np.bool_]:
        return distances <= NEAR


class SparsePointRobotWorlds(PointWorlds):
    """Start in the middle of a half circle, goal on it; nothing is paid until the goal is near."""

    @override
    def _start(self, rng: np.random.Generator) -> NDArray[np.float64]:
        return np.zeros(2)

    @staticmethod
    @override
    def goal(task: Task) -> tuple[float, float]:
        return math.cos(task.number("angle")), math.sin(task.number("angle"))

    @staticmethod
    @override
    def reward(distances: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.where(distances <= SIGHT, 1.0 - distances, 0.0)

    @staticmethod
    @override
    def solved(distances: NDArray[np.float64]) -> NDArray[np.bool_]:
        return distances <= SIGHT
