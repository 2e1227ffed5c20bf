"""The task distributions of the navigation suites and their frozen lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from typing_extensions import override

from metarl_bench.tasks import Split, Suite, Task
from metarl_suites.frozen import spread
from metarl_suites.navigation.cities import CITY_CORNERS, CITY_STREETS, CITY_WALLS
from metarl_suites.navigation.kinds import (
    CARS,
    CITIES,
    DESTINATIONS,
    DRIVERS,
    OTHER_CARS,
    OTHER_CITIES,
    OTHER_DESTINATIONS,
    OTHER_DRIVERS,
    OTHER_WEATHERS,
    SIGNED,
    WEATHERS,
    Kind,
)
from metarl_suites.navigation.maps import HIGHWAY_WALLS
from metarl_suites.navigation.plans import city_plan, sparse_plan, traffic_plan, vehicle_plan, weather_plan
from metarl_suites.navigation.worlds import Definition, DrivingWorlds

NUM_FROZEN = 30
# Where each frozen list begins in the sequence below, and how far apart kinds are, so that no two tasks are alike.
_BEGIN = {"test": 0, "validation": 1000, "test_ood": 2000}
_APART = 100


@dataclass(frozen=True, kw_only=True)
class DrivingSuite(Suite):
    """Tasks of all trained kinds, equally often; held out: other kinds, or other ranges."""

    definition: ClassVar[Definition]
    trained: ClassVar[tuple[Kind, ...]]
    held_out: ClassVar[tuple[Kind, ...]]

    @override
    def sample_tasks(self, count: int, rng: np.random.Generator) -> list[Task]:
        kinds = rng.integers(len(self.trained), size=count)
        draws = rng.uniform(size=(count, len(self.trained[0].ranges)))
        return [
            self._drawn("train", index, self.trained[kind], draw.tolist())
            for index, (kind, draw) in enumerate(zip(kinds, draws, strict=True))
        ]

    @override
    def tasks(self, split: Split) -> tuple[Task, ...]:
        self.check_split(split)
        kinds = self.held_out if split == "test_ood" else self.trained
        # The kinds take turns, so that a part of the list has all of them, too.
        places = [divmod(index, len(kinds)) for index in range(NUM_FROZEN)]
        return tuple(
            self._drawn(
                split, index, kinds[kind], spread(_BEGIN[split] + _APART * kind + turn, len(kinds[kind].ranges))
            )
            for index, (turn, kind) in enumerate(places)
        )

    @override
    def make_worlds(self, num_worlds: int, *, num_threads: int = 0) -> DrivingWorlds:
        return DrivingWorlds(self.spec, num_worlds, self.definition, num_threads=num_threads)

    def _drawn(self, split: Split, index: int, kind: Kind, place: Sequence[float]) -> Task:
        """Returns the task at a place of the unit cube over a kind's ranges."""
        params: dict[str, float | str] = {self.spec.parameters[0].name: kind.name} if kind.name else {}
        for (name, low, high), part in zip(kind.ranges, place, strict=True):
            sign = 1.0
            if name in SIGNED:
                sign, part = (-1.0, 1.0 - 2.0 * part) if part < 0.5 else (1.0, 2.0 * part - 1.0)
            params[name] = round(sign * (low + (high - low) * part), 6)
        return self.task(split, index, **params)


class DriveVehicle(DrivingSuite):
    """A car of its own on a dry road; the last action is not observed, with which one look tells how a car steers."""

    definition = Definition(plan=vehicle_plan, last_action=False)
    trained, held_out = CARS, OTHER_CARS


class DriveWeather(DrivingSuite):
    """The usual car in other weather."""

    definition = Definition(plan=weather_plan, striped=True)
    trained, held_out = WEATHERS, OTHER_WEATHERS


class DriveCity(DrivingSuite):
    """A city with streets of its own; where the destination is, is observed, and the way is not."""

    definition = Definition(
        plan=city_plan, walls=CITY_WALLS, streets=CITY_STREETS, corners=CITY_CORNERS, guide="destination"
    )
    trained, held_out = CITIES, OTHER_CITIES


class DriveSparse(DrivingSuite):
    """One city, and a destination that has to be found."""

    definition = Definition(
        plan=sparse_plan,
        walls=CITY_WALLS,
        streets=CITY_STREETS,
        corners=CITY_CORNERS,
        guide="none",
        sparse=True,
    )
    trained, held_out = DESTINATIONS, OTHER_DESTINATIONS


class DriveTraffic(DrivingSuite):
    """The usual car on a straight road, with other cars that have habits."""

    definition = Definition(plan=traffic_plan, walls=HIGHWAY_WALLS, streets=2, corners=2, others=4)
    trained, held_out = DRIVERS, OTHER_DRIVERS
