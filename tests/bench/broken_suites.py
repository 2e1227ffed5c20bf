"""Toy suites that break one rule each, beside two that look suspicious and are sound."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium.spaces import Box

from metarl_bench.errors import ContractError
from metarl_bench.tasks import Split, Suite, SuiteSpec, Task
from metarl_bench.worlds import Outcome, WorldIndex
from metarl_suites.toy.specs import POINT_ROBOT
from metarl_suites.toy.suite import PointRobotSuite
from metarl_suites.toy.worlds import PointRobotWorlds


def with_worlds(worlds: type[PointRobotWorlds], spec: SuiteSpec = POINT_ROBOT) -> Suite:
    """Returns the point robot with other physics."""
    return type("Broken", (PointRobotSuite,), {"worlds": worlds})(spec=spec)


def with_spec(**changes: Any) -> Suite:
    """Returns the point robot with another declaration."""
    return PointRobotSuite(spec=dataclasses.replace(POINT_ROBOT, **changes))


class UsesGlobalRandomState(PointRobotWorlds):
    def _begin(self, worlds: Any, rngs: Any) -> None:
        np.random.random()  # noqa: NPY002
        super()._begin(worlds, rngs)


class LeaksTheGoal(PointRobotWorlds):
    def _begin(self, worlds: Any, rngs: Any) -> None:
        super()._begin(worlds, rngs)
        self._positions[worlds] = 0.5 * self._positions[worlds] + 0.5 * self._goals[worlds]


class SharesMemory(PointRobotWorlds):
    def __init__(self, suite: SuiteSpec, num_worlds: int) -> None:
        super().__init__(suite, num_worlds)
        self._buffer = np.zeros((num_worlds, 2), np.float32)

    def _observe(self) -> Any:
        self._buffer[...] = self._positions
        return self._buffer


class SnapshotsAreLive(PointRobotWorlds):
    def snapshot(self) -> dict[str, Any]:
        return super().snapshot() | self._all_state()


class MovesFrozenWorlds(PointRobotWorlds):
    def _advance(self, worlds: WorldIndex, actions: Any) -> Outcome:
        self._positions += 0.001
        return super()._advance(worlds, actions)


class RunsPastTheHorizon(PointRobotWorlds):
    def step(self, actions: Any) -> Any:
        *results, truncated, infos = super().step(actions)
        self._truncated[:] = False
        self._elapsed[:] = np.minimum(self._elapsed, 1)
        return *results, np.zeros_like(truncated), infos


class ForgetsVelocity(PointRobotWorlds):
    """Has momentum, and leaves it out of the snapshot."""

    def __init__(self, suite: SuiteSpec, num_worlds: int) -> None:
        super().__init__(suite, num_worlds)
        self._velocities = np.zeros((num_worlds, 2))

    def _begin(self, worlds: Any, rngs: Any) -> None:
        super()._begin(worlds, rngs)
        self._velocities[worlds] = 0.0

    def _advance(self, worlds: WorldIndex, actions: Any) -> Outcome:
        self._velocities[worlds] = 0.5 * self._velocities[worlds] + 0.5 * actions
        return super()._advance(worlds, self._velocities[worlds])


class DependsOnTheNumberOfWorlds(PointRobotWorlds):
    def _advance(self, worlds: WorldIndex, actions: Any) -> Outcome:
        return super()._advance(worlds, actions * (1.0 - 1e-5 * self.num_envs))


@dataclass(frozen=True, kw_only=True)
class DependsOnThreads(PointRobotSuite):
    def make_worlds(self, num_worlds: int, *, num_threads: int = 0) -> PointRobotWorlds:
        worlds = PointRobotWorlds(self.spec, num_worlds)
        worlds._high = worlds._high - 0.001 * num_threads
        return worlds


class ResetsDisturbNeighbours(PointRobotWorlds):
    def _begin(self, worlds: Any, rngs: Any) -> None:
        super()._begin(worlds, rngs)
        self._positions[:] = self._positions.round(3)


class NeedsTasksForAll(PointRobotWorlds):
    def _observe(self) -> Any:
        self.privileged_parameters()
        return super()._observe()


class IgnoresTheSeed(PointRobotWorlds):
    def _start(self, rng: np.random.Generator) -> Any:
        return np.array([0.1, 0.2])


class RemembersEpisodes(PointRobotWorlds):
    """Starts a little farther to the right in each episode, whatever the seed."""

    def __init__(self, suite: SuiteSpec, num_worlds: int) -> None:
        super().__init__(suite, num_worlds)
        self._begins = np.zeros(num_worlds)

    def _begin(self, worlds: Any, rngs: Any) -> None:
        super()._begin(worlds, rngs)
        self._begins[worlds] += 1
        self._positions[worlds, 0] += 0.01 * self._begins[worlds]

    def _state(self) -> dict[str, Any]:
        return super()._state() | {"begins": self._begins}


class IgnoresAParameter(PointRobotWorlds):
    @staticmethod
    def goal(task: Task) -> tuple[float, float]:
        return task.number("goal_x"), 0.0


class RunsWithoutReset(PointRobotWorlds):
    def set_tasks(self, tasks: Sequence[Any], mask: Any = None) -> None:
        super().set_tasks(tasks, mask)
        self._begun[:] = True


class TakesAnyTask(PointRobotWorlds):
    def set_tasks(self, tasks: Sequence[Any], mask: Any = None) -> None:
        try:
            super().set_tasks(tasks, mask)
        except ContractError:
            return


class MovesBeforeItChecks(PointRobotWorlds):
    def step(self, actions: Any) -> Any:
        if np.asarray(actions).dtype.kind == "f" and np.isnan(actions).any():
            super().step(np.nan_to_num(actions))
        return super().step(actions)


class DoesNotClip(PointRobotWorlds):
    def _checked(self, actions: Any) -> Any:
        _, clipped = super()._checked(actions)
        return np.asarray(actions, np.float64), clipped


class DoesNotTellThatItClipped(PointRobotWorlds):
    def _checked(self, actions: Any) -> Any:
        inside, clipped = super()._checked(actions)
        return inside, np.zeros_like(clipped)


class ObservesInFloat64(PointRobotWorlds):
    def _observe(self) -> Any:
        return self._positions.copy()


class PrivilegedInFloat32(PointRobotWorlds):
    def privileged_parameters(self) -> Any:
        return super().privileged_parameters().astype(np.float32)


class ObservesAConstant(PointRobotWorlds):
    def _observe(self) -> Any:
        return np.pad(super()._observe(), ((0, 0), (0, 1)), constant_values=1.0)


THREE_OBSERVATIONS = dataclasses.replace(POINT_ROBOT, observation_space=Box(-np.inf, np.inf, (3,), np.float32))


class EndsOutside(PointRobotWorlds):
    """Ends the episode outside the square, which saves the costs of all steps that were left."""

    fine = 0.0

    def _advance(self, worlds: WorldIndex, actions: Any) -> Outcome:
        outcome = super()._advance(worlds, actions)
        outside = (np.abs(self._positions[worlds]) > 1.0).any(axis=1)
        left = self.suite.horizon - self._elapsed[worlds]
        rewards = np.where(outside, outcome.rewards - self.fine * left, outcome.rewards)
        return outcome._replace(rewards=rewards, terminated=outside)


class EndsOutsideForAFine(EndsOutside):
    """Sound: what ending early costs is as much as the rest of the episode could."""

    fine = 4.0


@dataclass(frozen=True, kw_only=True)
class ValidatesOnTheTestTasks(PointRobotSuite):
    def frozen(self, split: Split) -> list[dict[str, float]]:
        return super().frozen("test" if split == "validation" else split)


@dataclass(frozen=True, kw_only=True)
class DrawsItsTestTasks(PointRobotSuite):
    def frozen(self, split: Split) -> list[dict[str, float]]:
        return [{"goal_x": x, "goal_y": 0.0} for x in np.random.default_rng().uniform(-1.0, 1.0, 30)]


@dataclass(frozen=True, kw_only=True)
class NumbersItsTasksFromOne(PointRobotSuite):
    def tasks(self, split: Split) -> tuple[Task, ...]:
        return tuple(dataclasses.replace(task, index=task.index + 1) for task in super().tasks(split))


@dataclass(frozen=True, kw_only=True)
class SamplesWithItsOwnSeed(PointRobotSuite):
    def sample_tasks(self, count: int, rng: np.random.Generator) -> list[Task]:
        return super().sample_tasks(count, np.random.default_rng(0))


@dataclass(frozen=True, kw_only=True)
class SamplesOutsideItsRange(PointRobotSuite):
    def sample_tasks(self, count: int, rng: np.random.Generator) -> list[Task]:
        pairs = rng.uniform(-1.2, 1.2, (count, 2))
        return [self.task("train", i, goal_x=x, goal_y=y) for i, (x, y) in enumerate(pairs)]
