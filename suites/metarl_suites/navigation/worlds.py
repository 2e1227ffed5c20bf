"""Cars on their maps: reset, step, observation and reward of a batch of worlds."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import mujoco
import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from metarl_bench.tasks import SuiteSpec, Task
from metarl_bench.worlds import Outcome, WorldIndex
from metarl_suites.frozen import GOLDEN, mixed
from metarl_suites.navigation.cars import PLACE, POSITIONS, QUAT, SPEEDS, Cars, headings, leans, seen_from, velocities
from metarl_suites.navigation.charts import Charts
from metarl_suites.navigation.grounds import GroundKind
from metarl_suites.navigation.ice import Tyres
from metarl_suites.navigation.maps import ROAD_WALLS, highway
from metarl_suites.navigation.models import STIFF, Crash, compile_plan
from metarl_suites.navigation.plans import SIGHT, STEP_S, Plan
from metarl_suites.navigation.rays import ANGLES, Array, Boxes
from metarl_suites.navigation.specs import (
    AHEAD,
    ARRIVAL,
    COLLISION,
    MOST_COLLISION,
    PROGRESS,
    REACHED,
)
from metarl_suites.navigation.traffic import Traffic, boxes, starts
from metarl_suites.simulation import BatchSimulator, SimulatedWorlds

SUBSTEPS = 4  # of 0.025 s, the time step of the model: 0.1 s in all
MOST_DELAY = 6  # environment steps
# m/s along x or y; nearly twice as fast as any car drives. A world beyond it has broken the simulator.
MAX_SPEED = 40.0
# Starts differ by up to this much: m across the road, rad. Drawn by the seed, so that they tell nothing of the task; on
# a road of 7 m, nobody starts near a rail or looks at it.
START_ASIDE, START_YAW = 0.5, 0.05
KEPT = 1024  # tasks whose plans and models are kept; about 180 MiB


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """What the worlds of a suite do.

    Attributes:
        plan: Makes a plan of a task.
        walls: Most walls of a map.
        streets: Most streets of a map.
        corners: Most corners of a route.
        ground: How the ground is made.
        last_action: Whether the last action is observed.
        guide: What is observed of the way: the next waypoints, where the destination is, or nothing.
        sparse: Whether arriving alone pays.
        others: How many other cars there are.
        crash: What a crash is like.
    """

    plan: Callable[[Task], Plan]
    walls: int = ROAD_WALLS
    streets: int = 16
    corners: int = 15
    ground: GroundKind = "plane"
    last_action: bool = True
    guide: Literal["waypoints", "destination", "none"] = "waypoints"
    sparse: bool = False
    others: int = 0
    crash: Crash = STIFF

    def compile(self, plan: Plan) -> mujoco.MjModel:
        """Returns the model of a plan; all have the same sizes."""
        return compile_plan(plan, walls=self.walls, ground=self.ground, others=self.others, crash=self.crash)


class DrivingWorlds(SimulatedWorlds):
    """Cars, each with the map, the weather and the parts of its task."""

    def __init__(self, suite: SuiteSpec, num_worlds: int, definition: Definition, *, num_threads: int) -> None:
        idle = definition.compile(_IDLE)
        simulator = BatchSimulator([idle] * num_worlds, frame_skip=SUBSTEPS, num_threads=num_threads)
        super().__init__(suite, simulator)
        self.definition = definition
        self.plans = [_IDLE] * num_worlds
        self.charts = Charts(num_worlds, streets=definition.streets, corners=definition.corners)
        self._boxes = Boxes(num_worlds, definition.walls + definition.others)
        self._traffic = Traffic(num_worlds) if definition.others else None
        self._tyres = Tyres(idle, num_worlds) if definition.ground == "patches" else None
        self._car = Cars(num_worlds)
        self._asked = np.zeros((num_worlds, MOST_DELAY + 1, 2))  # actions, the newest first
        self._ranges = np.full((num_worlds, len(ANGLES)), SIGHT)
        self._left = np.zeros(num_worlds)
        self._dice = np.zeros(num_worlds, np.uint64)

    # -- what a driver may know ----------------------------------------------------------------------------------

    @property
    def places(self) -> Array:
        """Where the cars are, m [worlds, 2]."""
        return self._simulator.qpos[:, PLACE]

    @property
    def headings(self) -> Array:
        """Where the cars look, rad [worlds]."""
        return headings(self._simulator.qpos)

    @property
    def leans(self) -> Array:
        """How far the cars lean, rad [worlds]: 0 on their wheels, pi on their roofs."""
        return leans(self._simulator.qpos)

    @property
    def velocities(self) -> Array:
        """Forward and leftward speed, m/s, and yaw rate, rad/s [worlds, 3]."""
        return velocities(self._simulator.qpos, self._simulator.qvel)

    @property
    def cars(self) -> Array:
        """Where all cars are, and how fast [worlds, 1 + others, 4]: x, y and their velocities, m and m/s."""
        simulator = self._simulator
        own = np.concatenate([simulator.qpos[:, PLACE], simulator.qvel[:, PLACE]], axis=1)[:, np.newaxis]
        parts = (simulator.qpos[:, POSITIONS:], simulator.qvel[:, SPEEDS:])
        others = [part.reshape(self.num_envs, -1, 2) for part in parts]
        return np.concatenate([own, np.concatenate(others, axis=2)], axis=1)

    @property
    def left(self) -> Array:
        """How far it is to the destination along the streets, m [worlds]."""
        return self._left.copy()

    # -- worlds --------------------------------------------------------------------------------------------------

    @override
    def _assign(self, worlds: NDArray[np.intp], tasks: Sequence[Task]) -> None:
        found = [self._built(world, task) for world, task in zip(worlds, tasks, strict=True)]
        self._simulator.set_models(worlds, [model for _, model in found])
        for world, (plan, model) in zip(worlds, found, strict=True):
            self.plans[world] = plan
            self.charts.assign(world, plan.map)
            walls = np.zeros((1, self.definition.walls, 5))
            walls[0, : len(plan.map.walls)] = plan.map.walls
            self._boxes.place(world[np.newaxis], slice(self.definition.walls), walls)
            self._car.assign(world, plan, model)
            if self._traffic:
                self._traffic.assign(world, plan.habits)

    def _built(self, world: np.intp, task: Task) -> tuple[Plan, mujoco.MjModel]:
        plan, model = _site(self.definition, task)
        return plan, self._tyres.assign(world, plan.weather, model) if self._tyres else model

    @override
    def _begin(self, worlds: NDArray[np.intp], rngs: Sequence[np.random.Generator]) -> None:
        simulator = self._simulator
        simulator.state[worlds] = simulator.initial_state
        for world, rng in zip(worlds, rngs, strict=True):
            aside, yaw = rng.uniform(-1.0, 1.0, 2) * (START_ASIDE, START_YAW)
            simulator.qpos[world, 1] = aside
            simulator.qpos[world, QUAT] = np.cos(0.5 * yaw), 0.0, 0.0, np.sin(0.5 * yaw)
            self._dice[world] = rng.integers(2**63)
            if self._traffic:
                simulator.qpos[world, POSITIONS:] = starts(self.definition.others, rng).ravel()
        self._asked[worlds] = 0.0
        # Nothing has been measured yet.
        self._ranges[worlds] = SIGHT
        self._left[worlds] = self.charts.left(worlds, self.places[worlds])

    @override
    def _advance(self, worlds: WorldIndex, actions: Array) -> Outcome:
        simulator, car = self._simulator, self._car
        self._asked[worlds, 1:] = self._asked[worlds, :-1]
        self._asked[worlds, 0] = actions
        if self._tyres:
            self._tyres.lay(worlds, simulator.qpos)
        dice = self._rolled(worlds)
        sound = simulator.step(worlds, self._controls(worlds, dice[:, 0]))
        qpos, qvel = simulator.qpos[worlds], simulator.qvel[worlds]
        sound &= np.isfinite(qpos).all(axis=1) & (np.abs(qvel[:, PLACE]) < MAX_SPEED).all(axis=1)
        places, looking = np.where(sound[:, np.newaxis], qpos[:, PLACE], 0.0), np.where(sound, headings(qpos), 0.0)
        self._look(worlds, places, looking, dice[:, 1:])
        left, before = self.charts.left(worlds, places), self._left[worlds].copy()
        self._left[worlds] = left
        arrived = self.charts.beeline(worlds, places) <= REACHED
        # N times s a kg: the speed that walls and others took.
        lost = simulator.sensor_history[worlds, :, 0].sum(axis=1) * (STEP_S / SUBSTEPS) / car.mass[worlds]
        early = 1.0 - (self._elapsed[worlds] + 1) / self.suite.horizon
        rewards = ARRIVAL * (1.0 + early) * arrived
        if not self.definition.sparse:
            rewards += PROGRESS * (before - left) - np.minimum(COLLISION * lost, MOST_COLLISION)
        return Outcome(rewards, terminated=arrived, success=arrived, invalid=~sound)

    def _controls(self, worlds: WorldIndex, gust: Array) -> Array:
        """Returns what the motors get [len(worlds), actuators]: the actions of some time ago, in this car's way."""
        asked = self._asked[np.arange(self.num_envs)[worlds], self._car.delay[worlds]]
        own = self._car.controls(worlds, asked, self.velocities[worlds, 0], gust)
        if not self._traffic:
            return own
        others = self._traffic.asked(worlds, self.cars[worlds])
        return np.concatenate([own, others.reshape(len(own), -1)], axis=1)

    def _look(self, worlds: WorldIndex, places: Array, looking: Array, errors: Array) -> None:
        """Measures the ranges anew."""
        car = self._car
        if self._traffic:
            self._boxes.place(worlds, slice(self.definition.walls, None), boxes(self.cars[worlds, 1:, :2]))
        found = self._boxes.distances(worlds, places, looking)
        seen = found <= car.visibility[worlds, np.newaxis]
        blurred = found * (1.0 + car.noise[worlds, np.newaxis] * errors)
        self._ranges[worlds] = np.where(seen, np.minimum(blurred, SIGHT), SIGHT)

    def _rolled(self, worlds: WorldIndex) -> Array:
        """Returns this step's numbers in [-1, 1): one for the gust, one for each ray [len(worlds), 1 + rays]."""
        number = self._elapsed[worlds, np.newaxis].astype(np.uint64) * np.uint64(64)
        return _scrambled(self._dice[worlds, np.newaxis] + number + np.arange(1 + len(ANGLES), dtype=np.uint64))

    @override
    def _observe(self) -> NDArray[np.float32]:
        parts = [self.velocities]
        if self.definition.last_action:
            parts.append(self._asked[:, 0])
        places, looking = self.places, self.headings
        if self.definition.guide == "waypoints":
            parts += [seen_from(places, looking, self.charts.ahead(self._left, ahead)) for ahead in AHEAD]
        elif self.definition.guide == "destination":
            parts.append(seen_from(places, looking, self.charts.goals))
        parts.append(self._ranges)
        return np.concatenate(parts, axis=1, dtype=np.float32, casting="same_kind")

    @override
    def _state(self) -> dict[str, NDArray[Any]]:
        return {
            "physics": self._simulator.state,
            "asked": self._asked,
            "ranges": self._ranges,
            "left": self._left,
            "dice": self._dice,
        }


@functools.lru_cache(maxsize=KEPT)
def _site(definition: Definition, task: Task) -> tuple[Plan, mujoco.MjModel]:
    """Returns a task's plan and model; the same objects for the same task, not to be changed."""
    plan = definition.plan(task)
    return plan, definition.compile(plan)


def _scrambled(numbers: NDArray[np.uint64]) -> Array:
    """Returns a number in [-1, 1) for each integer."""
    scrambled: Array = mixed(numbers * np.uint64(GOLDEN)) / 2.0**63 - 1.0
    return scrambled


_IDLE = Plan(highway())  # of worlds without a task: it has the fewest walls
