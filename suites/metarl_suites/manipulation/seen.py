"""What observations and rewards read of a world's physics, copied out of MuJoCo's data and into it."""

from __future__ import annotations

from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

# Arrays of the data that observations and rewards read, and that an environment may hold parts of.
_POSES = ("qpos", "qvel", "xpos", "xquat", "xmat", "geom_xpos", "geom_xmat", "site_xpos", "site_xmat", "mocap_pos")


class Seen:
    """A copy of what a step has led to, in kinds that Meta-World's own functions reward.

    Attributes:
        poses: As ``poses_of`` returns them.
        touching: Whether the fingers touch the object, in kinds whose success depends on it.
        environment: Judges the world: Meta-World's, with the numbers of the world's task; None until it is needed.
        known: The start whose numbers it has.
    """

    def __init__(self, size: int) -> None:
        self.poses = np.zeros(size)
        self.touching = False
        self.environment: Any = None
        self.known: object = None


def poses_of(data: mujoco.MjData) -> NDArray[np.float64]:
    """Returns a view of all poses in a data, from the first array's begin to the last one's end: one copy, not ten.

    MuJoCo keeps the arrays of a data in one buffer, so what lies between them is part of the same data.
    """
    arrays = [getattr(data, name) for name in _POSES]
    begins = [array.__array_interface__["data"][0] for array in arrays]
    first = arrays[int(np.argmin(begins))].reshape(-1)
    end = max(begin + array.nbytes for begin, array in zip(begins, arrays, strict=True))
    return np.lib.stride_tricks.as_strided(first, shape=((end - min(begins)) // first.itemsize,))
