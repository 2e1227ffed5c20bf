"""What a task is made of: a map, a car, the weather and the habits of others; loads without MuJoCo."""

from __future__ import annotations

import math
from typing import NamedTuple

from metarl_bench.tasks import Task
from metarl_suites.navigation.cities import city, destination
from metarl_suites.navigation.maps import LANE, Map, highway, road

# m; the farthest that rays and eyes reach, and what a ray reads where there is nothing.
SIGHT = 20.0
DRY = 0.9  # 1; sliding friction of rubber on dry asphalt
BETWEEN_ICE = 0.6  # 1; of the wet road between patches of ice
STEP_S = 0.1  # s of an environment step

Rings = tuple[tuple[float, float], ...]


class Vehicle(NamedTuple):
    """What is hidden of the car.

    Attributes:
        mass: 1; times that of the model's chassis.
        balance: m; how far in front of the middle the chassis' centre of mass is.
        power: 1; times the motor's usual torque.
        steering: 1; times the usual lock of the wheels; negative where they turn the other way.
        trim: rad; where the wheels point when nothing is asked.
        delay: Environment steps until an action reaches the car.
        flat: Name of the flat tyre, or "none".
    """

    mass: float = 1.0
    balance: float = 0.0
    power: float = 1.0
    steering: float = 1.0
    trim: float = 0.0
    delay: int = 0
    flat: str = "none"


class Weather(NamedTuple):
    """What is hidden of the weather.

    Attributes:
        friction: 1; of the road.
        patches: 1; of every other stripe of the ground.
        wind: m/s, along x and y.
        visibility: m; how far rays reach.
        noise: 1; greatest error of a ray, as a share of what it reads.
    """

    friction: float = DRY
    patches: float = DRY
    wind: tuple[float, float] = (0.0, 0.0)
    visibility: float = SIGHT
    noise: float = 0.0

    @property
    def icy(self) -> bool:
        """Whether there are patches of ice."""
        return self.patches < self.friction


class Habits(NamedTuple):
    """What is hidden of the other cars.

    Attributes:
        speed: m/s; how fast they drive where the road is free.
        gap: m between bumpers; who comes nearer from behind, they mind.
        home: m to the left of the middle; where they drive while they mind nobody.
        covers: m to the left of the middle, from and to; between these, they keep in front of whom they mind.
    """

    speed: float = 3.0
    gap: float = 8.0
    home: float = 0.0
    covers: tuple[float, float] = (0.0, 0.0)


class Plan(NamedTuple):
    """A task in full."""

    map: Map
    vehicle: Vehicle = Vehicle()
    weather: Weather = Weather()
    habits: Habits = Habits()


def vehicle_plan(task: Task) -> Plan:
    """Returns a plan of drive-vehicle: a dry road, another car."""
    vehicle = Vehicle(
        mass=task.number("mass"),
        balance=task.number("balance"),
        power=task.number("power"),
        steering=task.number("steering"),
        trim=task.number("trim"),
        delay=round(task.number("delay") / STEP_S),
        flat=str(task["flat"]),
    )
    return Plan(road(task.number("layout")), vehicle)


def weather_plan(task: Task) -> Plan:
    """Returns a plan of drive-weather: a road, the usual car."""
    icy = task["weather"] == "ice"
    friction, speed, angle = (task.number(name) for name in ("friction", "wind", "direction"))
    weather = Weather(
        friction=BETWEEN_ICE if icy else friction,
        patches=friction,
        wind=(speed * math.cos(angle), speed * math.sin(angle)),
        visibility=task.number("visibility"),
        noise=task.number("noise"),
    )
    return Plan(road(task.number("layout")), weather=weather)


def city_plan(task: Task) -> Plan:
    """Returns a plan of drive-city."""
    return Plan(city(str(task["city"]), task.number("layout")))


# m from the start; between which borders the destinations of drive-sparse lie in training, one ring as often as the
# other, and in the out-of-distribution list.
_RINGS_V1 = (((16.0, 32.0),), ((32.0, 48.0),))
_RINGS_V2 = (((16.0, 32.0), (32.0, 48.0), (48.0, 64.0)), ((64.0, 80.0),))


def sparse_plan_v1(task: Task) -> Plan:
    """Returns a plan of drive-sparse-v1: always the same city, another destination, often straight ahead."""
    return _destination_plan(task, *_RINGS_V1, straight_on=True)


def sparse_plan_v2(task: Task) -> Plan:
    """Returns a plan of drive-sparse-v2: as v1, but in many more streets, and never straight ahead."""
    return _destination_plan(task, *_RINGS_V2, straight_on=False)


def _destination_plan(task: Task, trained: Rings, held_out: Rings, *, straight_on: bool) -> Plan:
    along = task.number("destination")
    rings, share = (trained, along) if along <= 1.0 else (held_out, along - 1.0)
    ring, along = divmod(min(share, 1.0 - 1e-9) * len(rings), 1.0)
    nearest, farthest = rings[int(ring)]
    return Plan(destination(along, nearest=nearest, farthest=farthest, straight_on=straight_on))


# m to the left of the middle; where the others are at home, and between which places they keep before those behind.
# Who yields pulls over to that side, so that the other one is free; who blocks leaves that side alone free.
_HOME = 0.2 * LANE  # no wider, so that the middle is not free
_WAYS = {
    "yields_left": (_HOME, (LANE, LANE)),
    "yields_right": (-_HOME, (-LANE, -LANE)),
    "blocks_left": (_HOME, (-LANE, 0.0)),
    "blocks_right": (-_HOME, (0.0, LANE)),
    "mirrors": (0.0, (-LANE, LANE)),
}


def habits(name: str, speed: float, gap: float) -> Habits:
    """Returns the habits of a kind, at a speed, m/s, and with a gap, m."""
    home, covers = _WAYS[name]
    return Habits(speed, gap, home, covers)


def traffic_plan(task: Task) -> Plan:
    """Returns a plan of drive-traffic: always the same road, others on it."""
    return Plan(highway(), habits=habits(str(task["habit"]), task.number("speed"), task.number("gap")))
