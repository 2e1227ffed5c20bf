"""What the navigation suites declare about themselves; loads without MuJoCo."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium.spaces import Box

from metarl_bench.tasks import Parameter, References, SuiteSpec
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
from metarl_suites.navigation.rays import ANGLES

HORIZON = 250  # steps of 0.1 s; the expert takes 30 to 230
BUDGET = 3_000_000
# m ahead on the route: the waypoints that a car sees: one piece of a road, and as far as rays reach.
AHEAD = (8.0, 20.0)
REACHED = 4.0  # m from the destination: on the road, nobody passes it by

# -- the reward's terms ----------------------------------------------------------------------------------------------

# 1/m; for each metre nearer to the destination along the streets. A whole road pays 10, a city 4 to 11.
PROGRESS = 0.1
# 1; for arriving, and as much again for the share of the time that is left: half of what the route pays, so that it is
# worth being quick, and never worth a crash.
ARRIVAL = 5.0
# s/m; for the speed that walls and others take from the car. A crash at 10 m/s costs what 10 m of the route pay.
COLLISION = 0.1
# 1; the most that collisions cost in a step, so that returns have a bound.
MOST_COLLISION = 1.0


def _references(name: str, *, random: float, expert: float) -> References:
    """Returns measured references; ``driver.EPISODES`` says how long the expert was measured."""
    return References(
        random=random,
        expert=expert,
        random_source=f"metarl_bench.testing.random_return('navigation/{name}', episodes=10)",
        expert_source=f"python -m metarl_suites.navigation.driver navigation/{name}: a pure-pursuit driver who knows "
        "the task, 10 episodes of each test task",
    )


def _parameters(
    kind: str, kinds: Sequence[Kind], held_out: Sequence[Kind], meanings: dict[str, tuple[str, str]]
) -> tuple[Parameter, ...]:
    names = tuple(known.name for known in kinds)
    new = [known.name for known in held_out if known.name not in names]
    words = kind + (f"; held out of training: {', '.join(new)}" if new else "")
    found = [Parameter(name=kind, unit="1", low=0.0, high=0.0, meaning=words, choices=names)] if kind else []
    for place, (name, (unit, meaning)) in enumerate(meanings.items()):
        lows, highs = zip(*(known.ranges[place][1:] for known in kinds), strict=True)
        low, high = min(lows), max(highs)
        found.append(Parameter(name=name, unit=unit, low=-high if name in SIGNED else low, high=high, meaning=meaning))
    return tuple(found)


_LAYOUT = {"layout": ("1", "which road")}
_CAR = {
    "mass": ("1", "multiplier of the chassis' mass of 1120 kg"),
    "balance": ("m", "how far in front of the middle the chassis' centre of mass is"),
    "power": ("1", "multiplier of the motor's torque of 1500 N m"),
    "steering": ("1", "multiplier of the steering lock of 0.6 rad; negative: the wheels turn the other way"),
    "trim": ("rad", "where the wheels point when nothing is asked"),
    "delay": ("s", "until an action reaches the car"),
    **_LAYOUT,
}
_WEATHER = {
    "friction": ("1", "of the road; of kind ice, of its patches"),
    "wind": ("m/s", "speed of the wind"),
    "direction": ("rad", "where the wind blows to"),
    "visibility": ("m", "how far rays reach"),
    "noise": ("1", "greatest error of a ray, as a share of what it reads"),
    **_LAYOUT,
}
_HABITS = {
    "speed": ("m/s", "how fast the other cars drive"),
    "gap": ("m", "how near one has to come from behind before they yield or block"),
}


def _suite(
    name: str,
    summary: str,
    factory: str,
    *,
    observation_size: int,
    parameters: tuple[Parameter, ...],
    longest: float,
    most_collision: float = MOST_COLLISION,
    references: References | None = None,
    superseded_by: str | None = None,
) -> SuiteSpec:
    """Returns a spec; ``longest`` is the greatest distance between two places of a map, m along its streets."""
    return SuiteSpec(
        id=f"navigation/{name}",
        summary=summary,
        factory=f"metarl_suites.navigation.suite:{factory}",
        horizon=HORIZON,
        observation_space=Box(-np.inf, np.inf, (observation_size,), np.float32),
        action_space=Box(-1.0, 1.0, (2,), np.float32),
        score="return",
        budget=BUDGET,
        # Less than any episode that did not fail.
        failure_return=-HORIZON * most_collision - PROGRESS * longest - 1.0,
        best_return=PROGRESS * longest + 2.0 * ARRIVAL,
        parameters=parameters,
        references=references,
        superseded_by=superseded_by,
        published="none: a family of metarl-bench",
    )


_CITY = {"layout": ("1", "which streets are closed, and where the destination is")}
_DESTINATION = {"destination": ("1", "where on the streets that are 16 to 32 m from the start")}
_DESTINATION_V2 = {"destination": ("1", "by thirds: where on the streets 16-32, 32-48, 48-64 m off, none straight on")}
_OWN, _LAST, _WAYPOINTS, _COMPASS, _RAYS = 3, 2, 3 * len(AHEAD), 3, len(ANGLES)
_ROAD = 120.0  # m; with the pieces behind the start and behind the destination
_HIGHWAY = 144.0  # m; with what is behind the start and behind the destination
_CITY_STREETS = 400.0  # m; all crossings of a city, one behind the other

# What the versions of a suite have in common.
_Shared = dict[str, Any]
_VEHICLE_SUITE: _Shared = {
    "observation_size": _OWN + _WAYPOINTS + _RAYS,
    "parameters": _parameters("flat", CARS, OTHER_CARS, _CAR),
    "longest": _ROAD,
}
_WEATHER_SUITE: _Shared = {
    "observation_size": _OWN + _LAST + _WAYPOINTS + _RAYS,
    "parameters": _parameters("weather", WEATHERS, OTHER_WEATHERS, _WEATHER),
    "longest": _ROAD,
}
_CITY_SUITE: _Shared = {
    "observation_size": _OWN + _LAST + _COMPASS + _RAYS,
    "parameters": _parameters("city", CITIES, OTHER_CITIES, _CITY),
    "longest": _CITY_STREETS,
}
_SPARSE_SUITE: _Shared = {"observation_size": _OWN + _LAST + _RAYS, "longest": 0.0, "most_collision": 0.0}
_TRAFFIC_SUITE: _Shared = {"observation_size": _OWN + _LAST + _WAYPOINTS + _RAYS, "longest": _HIGHWAY}

SPECS: tuple[SuiteSpec, ...] = (
    _suite(
        "drive-vehicle-v1",
        "a car that steers, answers and pulls in its own way",
        "DriveVehicle",
        **_VEHICLE_SUITE,
        references=_references("drive-vehicle-v1", random=1.11, expert=16.86),
        superseded_by="navigation/drive-vehicle-v2",
    ),
    _suite(
        "drive-vehicle-v2",
        "a car that steers, answers and pulls in its own way, between rails that give way",
        "DriveVehicleV2",
        **_VEHICLE_SUITE,
        references=_references("drive-vehicle-v2", random=1.06, expert=16.87),
        superseded_by="navigation/drive-vehicle-v3",
    ),
    _suite(
        "drive-vehicle-v3",
        "a car that steers, answers and pulls in its own way, more diverse ones",
        "DriveVehicleV3",
        **_VEHICLE_SUITE | {"parameters": _parameters("flat", CARS_V3, OTHER_CARS_V3, _CAR)},
        references=_references("drive-vehicle-v3", random=1.11, expert=16.57),
    ),
    _suite(
        "drive-weather-v1",
        "a car on a road that is dry, wet, snowy or icy, in wind and fog",
        "DriveWeather",
        **_WEATHER_SUITE,
        references=_references("drive-weather-v1", random=1.37, expert=17.03),
        superseded_by="navigation/drive-weather-v2",
    ),
    _suite(
        "drive-weather-v2",
        "a car on a road that is dry, wet, snowy or icy, in wind and fog, between rails that give way",
        "DriveWeatherV2",
        **_WEATHER_SUITE,
        references=_references("drive-weather-v2", random=1.44, expert=17.08),
    ),
    _suite(
        "drive-city-v1",
        "a car in a city with streets of its own, by compass",
        "DriveCity",
        **_CITY_SUITE,
        references=_references("drive-city-v1", random=1.48, expert=15.24),
        superseded_by="navigation/drive-city-v2",
    ),
    _suite(
        "drive-city-v2",
        "a car in a city with streets of its own and walls that give way, by compass",
        "DriveCityV2",
        **_CITY_SUITE,
        references=_references("drive-city-v2", random=1.47, expert=15.24),
    ),
    _suite(
        "drive-sparse-v1",
        "a car in a city that looks for a destination, and is paid for nothing else",
        "DriveSparse",
        **_SPARSE_SUITE,
        parameters=_parameters("", DESTINATIONS, OTHER_DESTINATIONS, _DESTINATION),
        references=_references("drive-sparse-v1", random=1.41, expert=9.19),
        superseded_by="navigation/drive-sparse-v2",
    ),
    _suite(
        "drive-sparse-v2",
        "a car in a city that looks for a destination off the straight way, and is paid for nothing else",
        "DriveSparseV2",
        **_SPARSE_SUITE,
        parameters=_parameters("", DESTINATIONS, OTHER_DESTINATIONS, _DESTINATION_V2),
        references=_references("drive-sparse-v2", random=0.48, expert=8.74),
        superseded_by="navigation/drive-sparse-v3",
    ),
    _suite(
        "drive-sparse-v3",
        "a car in a city that looks for a destination off the straight way, among walls that give way",
        "DriveSparseV3",
        **_SPARSE_SUITE,
        parameters=_parameters("", DESTINATIONS, OTHER_DESTINATIONS, _DESTINATION_V2),
        references=_references("drive-sparse-v3", random=0.54, expert=8.74),
    ),
    _suite(
        "drive-traffic-v1",
        "a car among others that yield or block, to the left or to the right",
        "DriveTraffic",
        **_TRAFFIC_SUITE,
        parameters=_parameters("habit", DRIVERS, OTHER_DRIVERS, _HABITS),
        references=_references("drive-traffic-v1", random=1.57, expert=17.75),
        superseded_by="navigation/drive-traffic-v2",
    ),
    _suite(
        "drive-traffic-v2",
        "a car among others, slow ones, that yield or block, to the left or to the right",
        "DriveTrafficV2",
        **_TRAFFIC_SUITE,
        parameters=_parameters("habit", DRIVERS, OTHER_DRIVERS_V2, _HABITS),
        references=_references("drive-traffic-v2", random=1.56, expert=17.75),
    ),
)
