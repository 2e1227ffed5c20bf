"""The task distributions of the locomotion suites and their frozen lists."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from typing_extensions import override

from metarl_bench import seeding
from metarl_bench.tasks import Split, Suite, Task
from metarl_suites.locomotion import models, rewards, robots
from metarl_suites.locomotion.worlds import Definition, LeggedWorlds

NUM_FROZEN = 30
# Where in its slice of the range each frozen task lies; different for validation and test, so that they share none.
_QUANTILE = {"test": 0.5, "validation": 0.25, "test_ood": 0.5}
# m/s and m; the out-of-distribution lists of speeds and goals go on beyond the training range by this much.
_BEYOND = 1.0
# The out-of-distribution lists of multipliers go beyond both ends of the training range, by this share of its half
# width on a logarithmic scale.
_STRETCH = 0.25
# Digits of frozen numbers that come from powers, sines and cosines, whose last bits differ between machines.
_DIGITS = 6


@dataclass(frozen=True, kw_only=True)
class LeggedSuite(Suite):
    """A task distribution of legged robots; a suite adds its tasks and what its worlds do."""

    definition: ClassVar[Definition]

    @override
    def make_worlds(self, num_worlds: int, *, num_threads: int = 0) -> LeggedWorlds:
        return LeggedWorlds(self.spec, num_worlds, self.definition, num_threads=num_threads)


@dataclass(frozen=True, kw_only=True)
class CheetahVelocity(LeggedSuite):
    """Run at a hidden speed, drawn uniformly from the suite's range."""

    definition = Definition(
        robot=robots.CHEETAH, reward=rewards.cheetah_velocity, goal=lambda task: task.number("velocity")
    )

    @override
    def sample_tasks(self, count: int, rng: np.random.Generator) -> list[Task]:
        (velocity,) = self.spec.parameters
        draws = rng.uniform(velocity.low, velocity.high, count)
        return [self.task("train", index, velocity=draw) for index, draw in enumerate(draws)]

    @override
    def tasks(self, split: Split) -> tuple[Task, ...]:
        self.check_split(split)
        (velocity,) = self.spec.parameters
        low, high = velocity.low, velocity.high
        if split == "test_ood":
            low, high = velocity.high, velocity.high + _BEYOND
        speeds = [low + (high - low) * place / NUM_FROZEN for place in _places(split)]
        return tuple(self.task(split, index, velocity=speed) for index, speed in enumerate(speeds))


class CheetahVelocityWithPosition(CheetahVelocity):
    """The same, with 20 observations."""

    definition = replace(CheetahVelocity.definition, robot=robots.CHEETAH_WITH_POSITION)


@dataclass(frozen=True, kw_only=True)
class CheetahDirection(LeggedSuite):
    """Run forward or backward; the same two tasks in every split, and none out of distribution."""

    definition = Definition(
        robot=robots.CHEETAH, reward=rewards.cheetah_direction, goal=lambda task: task.number("direction")
    )

    @override
    def sample_tasks(self, count: int, rng: np.random.Generator) -> list[Task]:
        both = self.tasks("train")
        return [both[draw] for draw in rng.integers(2, size=count)]

    @override
    def tasks(self, split: Split) -> tuple[Task, ...]:
        self.check_split(split)
        if split == "test_ood":
            return ()
        return tuple(self.task(split, index, direction=sign) for index, sign in enumerate((1.0, -1.0)))


class CheetahDirectionWithPosition(CheetahDirection):
    """The same, with 20 observations."""

    definition = replace(CheetahDirection.definition, robot=robots.CHEETAH_WITH_POSITION)


@dataclass(frozen=True, kw_only=True)
class Multipliers(LeggedSuite):
    """Bodies whose numbers are multiplied by independent factors, uniform on a logarithmic scale.

    In a frozen list every factor takes evenly spaced quantiles of its range, each once, in an order of its own.
    """

    @override
    def sample_tasks(self, count: int, rng: np.random.Generator) -> list[Task]:
        draws = rng.uniform(-1.0, 1.0, (count, len(self.spec.parameters)))
        return [self.task("train", index, **self._factors(draw)) for index, draw in enumerate(draws)]

    @override
    def tasks(self, split: Split) -> tuple[Task, ...]:
        self.check_split(split)
        quantiles = 2.0 * np.array(_places(split)) / NUM_FROZEN - 1.0
        if split == "test_ood":
            quantiles = np.sign(quantiles) + _STRETCH * quantiles
        rng = seeding.generator("frozen tasks", self.spec.id, split)
        orders = [np.argsort(rng.random(NUM_FROZEN)) for _ in self.spec.parameters]
        if len(orders) == 1:
            orders = [np.arange(NUM_FROZEN)]
        rows = np.stack([quantiles[order] for order in orders], axis=1)
        return tuple(self.task(split, index, **self._factors(row)) for index, row in enumerate(rows))

    def _factors(self, row: np.ndarray[tuple[int], np.dtype[np.float64]]) -> dict[str, float]:
        """Returns the factors at places in their ranges: -1 is the lower end, 1 the upper, 0 a factor of 1."""
        parameters = self.spec.parameters
        return {
            parameter.name: round(parameter.high**place, _DIGITS)
            for parameter, place in zip(parameters, row.tolist(), strict=True)
        }


class CheetahBody(Multipliers):
    """Run forward with another mass, and in cheetah-body another damping and head."""

    definition = Definition(robot=robots.CHEETAH, reward=rewards.cheetah_upright, edit=models.scale_body)


class CheetahBodyV1(CheetahBody):
    """The first version, which missed contacts."""

    definition = replace(CheetahBody.definition, edit=models.scale_body_v1)


class WalkerParameters(Multipliers):
    """The walker with masses, inertias, frictions and damping of its own."""

    definition = Definition(robot=robots.WALKER, reward=rewards.walker_forward, edit=models.scale_elements)


class HopperParameters(WalkerParameters):
    """The same for the hopper."""

    definition = replace(WalkerParameters.definition, robot=robots.HOPPER)


@dataclass(frozen=True, kw_only=True)
class Headings(LeggedSuite):
    """Run in a hidden direction, any on the circle; none is out of distribution."""

    @override
    def sample_tasks(self, count: int, rng: np.random.Generator) -> list[Task]:
        draws = rng.uniform(0.0, 2.0 * math.pi, count)
        return [self.task("train", index, angle=draw) for index, draw in enumerate(draws)]

    @override
    def tasks(self, split: Split) -> tuple[Task, ...]:
        self.check_split(split)
        if split == "test_ood":
            return ()
        angles = [2.0 * math.pi * place / NUM_FROZEN for place in _places(split)]
        return tuple(self.task(split, index, angle=angle) for index, angle in enumerate(angles))


def _heading(task: Task) -> tuple[float, float]:
    return math.cos(task.number("angle")), math.sin(task.number("angle"))


class AntDirection(Headings):
    """For the ant. The bonus does not outweigh every effort, so a fall costs what lying there at full effort would."""

    definition = Definition(
        robot=robots.ANT,
        reward=rewards.ant_direction,
        goal=_heading,
        goal_shape=(2,),
        fall_cost=rewards.ANT_CONTROL_COST * robots.ANT.num_actions,
    )


class HumanoidDirection(Headings):
    """For the humanoid."""

    definition = Definition(robot=robots.HUMANOID, reward=rewards.humanoid_direction, goal=_heading, goal_shape=(2,))


@dataclass(frozen=True, kw_only=True)
class AntGoal(LeggedSuite):
    """Go to a hidden place in a disc; held out: the ring around it.

    In a frozen list the places lie on a spiral, at even areas and golden angles.
    """

    definition = Definition(
        robot=robots.ANT_WITH_POSITION,
        reward=rewards.ant_goal,
        goal=lambda task: (task.number("goal_x"), task.number("goal_y")),
        goal_shape=(2,),
    )

    @override
    def sample_tasks(self, count: int, rng: np.random.Generator) -> list[Task]:
        radii, angles = self._radius * np.sqrt(rng.random(count)), rng.uniform(0.0, 2.0 * math.pi, count)
        pairs = zip((radii * np.cos(angles)).tolist(), (radii * np.sin(angles)).tolist(), strict=True)
        return [self.task("train", index, goal_x=x, goal_y=y) for index, (x, y) in enumerate(pairs)]

    @override
    def tasks(self, split: Split) -> tuple[Task, ...]:
        self.check_split(split)
        inner, outer = (self._radius, self._radius + _BEYOND) if split == "test_ood" else (0.0, self._radius)
        tasks = []
        for index, place in enumerate(_places(split)):
            radius = math.sqrt(inner**2 + (outer**2 - inner**2) * place / NUM_FROZEN)
            angle = place * math.pi * (3.0 - math.sqrt(5.0))
            x, y = (round(radius * part, _DIGITS) for part in (math.cos(angle), math.sin(angle)))
            tasks.append(self.task(split, index, goal_x=x, goal_y=y))
        return tuple(tasks)

    @property
    def _radius(self) -> float:
        return self.spec.parameters[0].high


@dataclass(frozen=True, kw_only=True)
class AntCripple(LeggedSuite):
    """Run with a lame leg; the same three legs in every split but test_ood, which has the fourth."""

    definition = Definition(robot=robots.ANT_THAT_MAY_FALL, reward=rewards.ant_cripple, edit=models.cripple_leg)

    @override
    def sample_tasks(self, count: int, rng: np.random.Generator) -> list[Task]:
        known = self.tasks("train")
        return [known[draw] for draw in rng.integers(len(known), size=count)]

    @override
    def tasks(self, split: Split) -> tuple[Task, ...]:
        self.check_split(split)
        *known, held_out = self.spec.parameters[0].choices
        legs = [held_out] if split == "test_ood" else known
        return tuple(self.task(split, index, leg=leg) for index, leg in enumerate(legs))


def _places(split: Split) -> list[float]:
    """Returns evenly spaced places between 0 and ``NUM_FROZEN``."""
    return [index + _QUANTILE[split] for index in range(NUM_FROZEN)]
