"""The pieces that Meta-World's rewards are made of, on plain floats: equal to the originals bit for bit.

A square stays ``x**2``: the C library's power, which Meta-World gets, now and then differs from ``x * x`` in the last
bit.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from metaworld.utils import reward_utils
from numpy.typing import NDArray

Vector = NDArray[np.float64]

_GAUSSIAN_SCALE = float(np.sqrt(-2 * np.log(0.1)))


def length(vector: Vector) -> float:
    """``np.linalg.norm`` of a vector of floats.

    The product is that of numpy's library, as in the original: on some processors it rounds once where x * x + y * y
    rounds twice.
    """
    return math.sqrt(vector.dot(vector))


def length_in_plane(vector: Vector) -> float:
    """``np.linalg.norm`` of a vector's x and z."""
    flat = vector.copy()
    flat[1] = 0.0
    return length(flat)


def long_tail(value: float, lower: float, upper: float, margin: float) -> float:
    """``reward_utils.tolerance`` of this shape: 1 inside the bounds, falling with the distance to them outside."""
    if lower <= value <= upper:
        return 1.0
    if margin <= 0.0:
        return float(reward_utils.tolerance(value, (lower, upper), margin, "long_tail"))
    distance = (lower - value if value < lower else value - upper) / margin
    return 1.0 / ((distance * 3.0) ** 2 + 1.0)


def gaussian(distance: float, radius: float, margin: float) -> float:
    """``reward_utils.tolerance`` of this shape, of a distance that should be at most a radius."""
    if distance <= radius:
        return 1.0
    if margin <= 0.0:
        return float(reward_utils.tolerance(distance, (0.0, radius), margin, "gaussian"))
    # numpy's exponential, which is not the C library's.
    return float(np.exp(-0.5 * ((distance - radius) / margin * _GAUSSIAN_SCALE) ** 2))


def both(one: Any, other: Any) -> Any:
    """``reward_utils.hamacher_product``: how far two things, between 0 and 1 each, are true at once."""
    product = one * other
    total = one + other - product
    return product / total if total > 0 else 0


def caged(y: float, start_y: float, pads: tuple[float, float], radius: float, reach: float, in_plane: float) -> float:
    """Returns how far the fingers enclose an object, as ``SawyerXYZEnv._gripper_caging_reward`` sees it.

    Args:
        y: m; of the object.
        start_y: m; where it was at the episode's start.
        pads: m; y of the left and the right finger's pad.
        radius: m; of the object.
        reach: m; from its center, within which a pad encloses it.
        in_plane: Between 0 and 1; how near hand and object are in the x-z plane.
    """
    left, right = pads
    return both(  # type: ignore[no-any-return]
        both(
            long_tail(abs(left - y), radius, reach, abs(abs(left - start_y) - reach)),
            long_tail(abs(right - y), radius, reach, abs(abs(right - start_y) - reach)),
        ),
        in_plane,
    )


def closed_on(caging: float, grip: Any, effort: float = 1.0) -> Any:
    """Returns how far the fingers close on an object that they enclose; the grip is a float32, and so is this."""
    return both(caging, min(max(0, grip), effort) / effort if caging > 0.97 else 0.0)


def grasped(caging: float, grip: Any, effort: float = 1.0) -> Any:
    """Returns the mean of how far the fingers enclose an object and how far they close on it."""
    return (closed_on(caging, grip, effort) + caging) / 2


# m; how wide the fingers are open where they begin to enclose, in the kinds that have a function of their own.
_WIDE = 0.05


def enclosed(y: float, pads: tuple[float, float], radius: float, far: float) -> Any:
    """Returns how far both fingers are at the sides of an object, as the kinds with a function of their own see it.

    Meta-World takes the margins from where the pads are at the episode's start, but looks where they are now.
    """
    left, right = pads
    return both(
        long_tail(left - y, radius, far, abs(abs(y - left) - _WIDE)),
        long_tail(y - right, radius, far, abs(abs(y - right) - _WIDE)),
    )


def swept(y: float, pads: tuple[float, float], radius: float, grip: float, in_plane: float) -> Any:
    """Returns how well the fingers hold an object that is moved without being lifted.

    Args:
        y: m; of the object.
        pads: m; y of the left and the right finger's pad.
        radius: m; of the object.
        grip: m; how much wider than the object the fingers grip it.
        in_plane: Between 0 and 1; how near hand and object are in the x-z plane.
    """
    caging = both(enclosed(y, pads, radius, _WIDE), in_plane)
    if caging <= 0.95:
        return caging / 2
    return (caging + enclosed(y, pads, radius, radius + grip)) / 2
