"""The kinds of tasks and their ranges; light data, no simulation."""

from __future__ import annotations

import math
from dataclasses import dataclass

Range = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of task and the ranges of its numbers.

    Attributes:
        name: As in the tasks' first parameter; empty where a suite has one kind, and its tasks have numbers alone.
        ranges: Name, least and greatest value of each number, in the order of the tasks' parameters.
    """

    name: str
    ranges: tuple[tuple[str, float, float], ...]


# Numbers that are negative as often as positive: their ranges are those of the size.
SIGNED = frozenset({"steering"})

TYRES = ("none", "front_left", "front_right", "rear_left", "rear_right")


def _cars(*, mass: Range, steering: Range, delay: Range, power: Range) -> tuple[Kind, ...]:
    ranges = (
        ("mass", *mass),
        ("balance", -0.35, 0.35),
        ("power", *power),
        ("steering", *steering),
        ("trim", -0.06, 0.06),
        ("delay", *delay),
        ("layout", 0.0, 1.0),
    )
    return tuple(Kind(name=tyre, ranges=ranges) for tyre in TYRES)


CARS = _cars(mass=(0.7, 1.6), steering=(0.5, 1.1), delay=(0.0, 0.4), power=(0.75, 1.5))
# Slow to answer, then with too much: heavier, with more delay and more lock than any in training.
OTHER_CARS = _cars(mass=(1.6, 2.0), steering=(1.1, 1.4), delay=(0.4, 0.5), power=(1.0, 1.5))
# More diverse: no one way of steering does for a lock of a third and a late answer, and for all of the lock at once.
CARS_V3 = _cars(mass=(0.7, 1.8), steering=(0.35, 1.3), delay=(0.0, 0.5), power=(0.75, 1.5))
OTHER_CARS_V3 = _cars(mass=(1.8, 2.1), steering=(1.3, 1.45), delay=(0.5, 0.6), power=(1.1, 1.5))


def _weather(name: str, friction: Range, *, wind: Range, visibility: Range, noise: Range) -> Kind:
    ranges = (
        ("friction", *friction),
        ("wind", *wind),
        ("direction", 0.0, 2.0 * math.pi),
        ("visibility", *visibility),
        ("noise", *noise),
        ("layout", 0.0, 1.0),
    )
    return Kind(name=name, ranges=ranges)


CITIES = tuple(Kind(name=name, ranges=(("layout", 0.0, 1.0),)) for name in ("grid", "ring", "mountain"))
OTHER_CITIES = tuple(Kind(name=name, ranges=(("layout", 0.0, 1.0),)) for name in ("alleys", "comb"))


def _drivers(*names: str, speed: Range, gap: Range) -> tuple[Kind, ...]:
    return tuple(Kind(name=name, ranges=(("speed", *speed), ("gap", *gap))) for name in names)


_DRIVERS = ("yields_left", "yields_right", "blocks_left", "blocks_right")
# m/s: whoever stays behind them arrives too late; m: from the next bumper to what rays see well.
DRIVERS = _drivers(*_DRIVERS, speed=(1.5, 3.0), gap=(10.0, 18.0))
# Quicker, and later to mind; and those whom nobody passes, and nobody needs to.
OTHER_DRIVERS = _drivers(*_DRIVERS, "mirrors", speed=(3.5, 5.0), gap=(6.0, 10.0))
# Slower than any in training, and later to mind; and those whom nobody passes, and nobody needs to.
OTHER_DRIVERS_V2 = (
    *_drivers(*_DRIVERS, speed=(0.5, 1.5), gap=(6.0, 10.0)),
    *_drivers("mirrors", speed=(4.5, 5.0), gap=(6.0, 10.0)),
)

# From 0 to 1: on the streets that are near the start; from 1 to 2: on those that are farther.
DESTINATIONS = (Kind(name="", ranges=(("destination", 0.0, 1.0),)),)
OTHER_DESTINATIONS = (Kind(name="", ranges=(("destination", 1.0, 2.0),)),)

# m/s: up to a gale; m: dense fog to as far as rays reach; 1.
_USUAL: dict[str, Range] = {"wind": (0.0, 15.0), "visibility": (8.0, 20.0), "noise": (0.0, 0.2)}
# Frictions of rubber: dry asphalt, wet asphalt, snow, ice.
WEATHERS: tuple[Kind, ...] = (
    _weather("dry", (0.8, 1.0), **_USUAL),
    _weather("wet", (0.45, 0.65), **_USUAL),
    _weather("snow", (0.28, 0.4), **_USUAL),
    _weather("ice", (0.08, 0.16), **_USUAL),
)
OTHER_WEATHERS: tuple[Kind, ...] = (
    _weather("storm", (0.45, 0.65), wind=(15.0, 20.0), visibility=(4.0, 8.0), noise=(0.2, 0.3)),
    _weather("slush", (0.22, 0.28), **_USUAL),
)
