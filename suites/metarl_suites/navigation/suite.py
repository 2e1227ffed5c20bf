"""The task distributions of the navigation suites and their frozen lists."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import ClassVar

from typing_extensions import override

from metarl_bench.tasks import Split, Task
from metarl_suites.mixture import MixtureSuite
from metarl_suites.navigation.cities import CITY_CORNERS, CITY_STREETS, CITY_WALLS
from metarl_suites.navigation.kinds import (
    CARS,
    CARS_V3,
    CITIES,
    DESTINATIONS,
    DRIVERS,
    OTHER_CARS,
    OTHER_CARS_V3,
    OTHER_CITIES,
    OTHER_DESTINATIONS,
    OTHER_DRIVERS,
    OTHER_DRIVERS_V2,
    OTHER_WEATHERS,
    SIGNED,
    WEATHERS,
    Kind,
)
from metarl_suites.navigation.maps import HIGHWAY_WALLS
from metarl_suites.navigation.models import GIVING, SOLID
from metarl_suites.navigation.plans import (
    city_plan,
    sparse_plan_v1,
    sparse_plan_v2,
    traffic_plan,
    vehicle_plan,
    weather_plan,
)
from metarl_suites.navigation.worlds import Definition, DrivingWorlds


class DrivingSuite(MixtureSuite):
    """Tasks of all trained kinds, equally often; held out: other kinds, or other ranges."""

    definition: ClassVar[Definition]
    trained: ClassVar[tuple[Kind, ...]]
    held_out: ClassVar[tuple[Kind, ...]]

    @property
    @override
    def num_numbers(self) -> int:
        return len(self.trained[0].ranges)  # all kinds of a suite have as many

    @override
    def make_worlds(self, num_worlds: int, *, num_threads: int = 0) -> DrivingWorlds:
        return DrivingWorlds(self.spec, num_worlds, self.definition, num_threads=num_threads)

    @override
    def place(self, split: Split, index: int, kind: Kind, point: Sequence[float]) -> Task:
        params: dict[str, float | str] = {self.spec.parameters[0].name: kind.name} if kind.name else {}
        for (name, low, high), part in zip(kind.ranges, point, strict=True):
            sign = 1.0
            if name in SIGNED:
                sign, part = (-1.0, 1.0 - 2.0 * part) if part < 0.5 else (1.0, 2.0 * part - 1.0)
            params[name] = round(sign * (low + (high - low) * part), 6)
        return self.task(split, index, **params)


class DriveVehicle(DrivingSuite):
    """A car of its own on a dry road; the last action is not observed, with which one look tells how a car steers."""

    definition = Definition(plan=vehicle_plan, last_action=False)
    trained, held_out = CARS, OTHER_CARS


class DriveVehicleV2(DriveVehicle):
    """The same cars between rails that give way, so that nobody who drives at them tips over."""

    definition = dataclasses.replace(DriveVehicle.definition, crash=GIVING)


class DriveVehicleV3(DriveVehicle):
    """More diverse cars, all of which rails meet, wherever the centre of mass is."""

    definition = dataclasses.replace(DriveVehicle.definition, crash=SOLID)
    trained, held_out = CARS_V3, OTHER_CARS_V3


class DriveWeather(DrivingSuite):
    """The usual car in other weather."""

    definition = Definition(plan=weather_plan, ground="stripes")
    trained, held_out = WEATHERS, OTHER_WEATHERS


class DriveWeatherV2(DriveWeather):
    """The same weather between rails that give way; ice is under single tyres, which costs a tenth less."""

    definition = dataclasses.replace(DriveWeather.definition, ground="patches", crash=SOLID)


class DriveCity(DrivingSuite):
    """A city with streets of its own; where the destination is, is observed, and the way is not."""

    definition = Definition(
        plan=city_plan, walls=CITY_WALLS, streets=CITY_STREETS, corners=CITY_CORNERS, guide="destination"
    )
    trained, held_out = CITIES, OTHER_CITIES


class DriveCityV2(DriveCity):
    """The same cities, with walls that give way, so that nobody who drives at them tips over."""

    definition = dataclasses.replace(DriveCity.definition, crash=SOLID)


class DriveSparse(DrivingSuite):
    """One city, and a destination that has to be found; for half of the tasks, by driving straight on."""

    definition = Definition(
        plan=sparse_plan_v1,
        walls=CITY_WALLS,
        streets=CITY_STREETS,
        corners=CITY_CORNERS,
        guide="none",
        sparse=True,
    )
    trained, held_out = DESTINATIONS, OTHER_DESTINATIONS


class DriveSparseV2(DriveSparse):
    """The same city, with destinations in more streets than an episode has time for, and none straight ahead."""

    definition = dataclasses.replace(DriveSparse.definition, plan=sparse_plan_v2)


class DriveSparseV3(DriveSparseV2):
    """The same destinations among walls that give way."""

    definition = dataclasses.replace(DriveSparseV2.definition, crash=SOLID)


class DriveTraffic(DrivingSuite):
    """The usual car on a straight road, with other cars that have habits."""

    definition = Definition(plan=traffic_plan, walls=HIGHWAY_WALLS, streets=2, corners=2, others=4)
    trained, held_out = DRIVERS, OTHER_DRIVERS


class DriveTrafficV2(DriveTraffic):
    """The same others in training; held out, they are too slow to be followed. Rails give way."""

    definition = dataclasses.replace(DriveTraffic.definition, crash=SOLID)
    held_out = OTHER_DRIVERS_V2
