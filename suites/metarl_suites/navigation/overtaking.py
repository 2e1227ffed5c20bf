"""How a driver who knows the others' habits passes them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from metarl_suites.navigation.maps import LANE
from metarl_suites.navigation.plans import Plan
from metarl_suites.navigation.rays import Array
from metarl_suites.navigation.traffic import HALF_LENGTH, ROOM

_STOP = 1.5  # m from the next bumper
_BRAKES = 4.0  # m/s2; counted on before the next car
_SWERVE = 2.0  # m to the side that the driver aims for at most


def overtake(cars: Array, believed: Sequence[Plan]) -> tuple[Array, Array]:
    """Returns how far to the left of the middle to aim, m, and how fast to drive at most, m/s [worlds].

    Args:
        cars: As ``DrivingWorlds.cars``; in front of the first, the others.
        believed: With the others' habits.
    """
    # The lane that the others leave free; who leaves none is followed.
    lane = -LANE * np.sign([sum(plan.habits.covers) for plan in believed])[:, np.newaxis]
    me, others = cars[:, :1], cars[:, 1:]
    x, y, vx = (others[..., place] for place in range(3))
    ahead = x - me[..., 0]
    low, high = np.minimum(lane, me[..., 1]) - ROOM, np.maximum(lane, me[..., 1]) + ROOM
    in_way = (low < y) & (y < high)
    beside = in_way & (np.abs(ahead) < 2.0 * HALF_LENGTH + 1.0) & (np.abs(y - me[..., 1]) > 0.8 * ROOM)
    aim = np.where(beside.any(axis=1), me[:, 0, 1], lane[:, 0])
    free = np.maximum(ahead - 2.0 * HALF_LENGTH - _STOP, 0.0)
    fastest = np.where(in_way & (ahead > 0.0) & ~beside, vx + np.sqrt(2.0 * _BRAKES * free), np.inf).min(axis=1)
    return me[:, 0, 1] + np.clip(aim - me[:, 0, 1], -_SWERVE, _SWERVE), fastest
