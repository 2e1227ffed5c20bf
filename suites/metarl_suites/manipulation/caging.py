"""``_gripper_caging_reward`` of Meta-World's classes, on plain floats: equal to the originals bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metarl_suites.manipulation.shaping import (
    Vector,
    caged,
    closed_on,
    grasped,
    length,
    length_in_plane,
    long_tail,
    swept,
)


def caging_reward(
    self: Any,
    action: NDArray[np.float32],
    obj_pos: Vector,
    obj_radius: float,
    pad_success_thresh: float,
    object_reach_radius: float,
    xz_thresh: float,
    desired_gripper_effort: float = 1.0,
    high_density: bool = False,
    medium_density: bool = False,
) -> Any:
    """``SawyerXYZEnv._gripper_caging_reward``: whether the fingers enclose the object, and close on it."""
    y, start_y = float(obj_pos[1]), float(self.obj_init_pos[1])
    in_plane = _in_plane(self, obj_pos, xz_thresh)
    caging = caged(y, start_y, _pads(self), obj_radius, pad_success_thresh, in_plane)
    if high_density:
        return grasped(caging, action[-1], desired_gripper_effort)
    reward = closed_on(caging, action[-1], desired_gripper_effort)
    if medium_density:
        margin = abs(length(self.obj_init_pos - self.init_tcp) - object_reach_radius)
        reach = long_tail(length(obj_pos - self.tcp_center), 0, object_reach_radius, margin)
        return (reward + reach) / 2
    return reward


def sweeping_caging(grip: float, plane: float) -> Callable[..., Any]:
    """Returns the ``_gripper_caging_reward`` of kinds that move an object without lifting it.

    Args:
        grip: m; how much wider than the object the fingers grip it.
        plane: m; how near in the x-z plane counts as there.
    """

    def caging_reward(
        self: Any, action: NDArray[np.float32], obj_pos: Vector, obj_radius: float, *unused: Any, **named: Any
    ) -> Any:
        return swept(float(obj_pos[1]), _pads(self), obj_radius, grip, _in_plane(self, obj_pos, plane))

    return caging_reward


# By kind: those with a function of their own, but those whose whole reward has a formula.
OWN = {"push-back": sweeping_caging(0.003, 0.01), "soccer": sweeping_caging(0.01, 0.005)}


def _pads(self: Any) -> tuple[float, float]:
    return float(self.get_body_com("leftpad")[1]), float(self.get_body_com("rightpad")[1])


def _in_plane(self: Any, obj_pos: Vector, near: float) -> float:
    """Returns how near hand and object are in the x-z plane."""
    margin = length_in_plane(self.obj_init_pos - self.init_tcp) - near
    return long_tail(length_in_plane(obj_pos - self.tcp_center), 0, near, margin)
