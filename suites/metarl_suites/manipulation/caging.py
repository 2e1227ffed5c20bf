"""How far the fingers enclose an object, on plain floats: equal to Meta-World's own functions bit for bit."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from metaworld.utils.reward_utils import hamacher_product
from numpy.typing import NDArray

from metarl_suites.manipulation.fast import Vector, tolerance

# m; how wide the fingers are open where they begin to enclose, in the kinds that have a function of their own.
_PAD_MARGIN = 0.05


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
    sides = []
    for pad in ("leftpad", "rightpad"):
        pad_y = float(self.get_body_com(pad)[1])
        margin = abs(abs(pad_y - start_y) - pad_success_thresh)
        sides.append(tolerance(abs(pad_y - y), (obj_radius, pad_success_thresh), margin, "long_tail"))
    in_plane = _in_plane(self, obj_pos, xz_thresh)
    caging = hamacher_product(hamacher_product(*sides), in_plane)
    # The action is a float32 here, and so is what is computed with it.
    closed = min(max(0, action[-1]), desired_gripper_effort) / desired_gripper_effort
    reward = hamacher_product(caging, closed if caging > 0.97 else 0.0)
    if high_density:
        return (reward + caging) / 2
    if medium_density:
        margin = abs(_apart(self.obj_init_pos, self.init_tcp) - object_reach_radius)
        reach = tolerance(_apart(obj_pos, self.tcp_center), (0, object_reach_radius), margin, "long_tail")
        return (reward + reach) / 2
    return reward


def pick_place_caging(self: Any, action: NDArray[np.float32], obj_pos: Vector, *unused: Any, **named: Any) -> Any:
    """``SawyerPickPlaceEnvV3._gripper_caging_reward``, which takes no notice of most of its arguments."""
    left, right = (_enclosed(side, 0.015, _PAD_MARGIN) for side in _sides(self, obj_pos))
    caging = hamacher_product(hamacher_product(left, right), _in_plane(self, obj_pos, 0.005))
    closed = min(max(0, action[-1]), 1)
    return (hamacher_product(caging, closed if caging > 0.97 else 0.0) + caging) / 2


def sweeping_caging(grip: float, plane: float) -> Callable[..., Any]:
    """Returns the ``_gripper_caging_reward`` of kinds that move an object without lifting it.

    Args:
        grip: m; how much wider than the object the fingers grip it.
        plane: m; how near in the x-z plane counts as there.
    """

    def caging_reward(
        self: Any, action: NDArray[np.float32], obj_pos: Vector, obj_radius: float, *unused: Any, **named: Any
    ) -> Any:
        sides = list(_sides(self, obj_pos))
        left, right = (_enclosed(side, obj_radius, _PAD_MARGIN) for side in sides)
        caging = hamacher_product(hamacher_product(right, left), _in_plane(self, obj_pos, plane))
        if caging <= 0.95:
            return caging / 2
        left, right = (_enclosed(side, obj_radius, obj_radius + grip) for side in sides)
        return (caging + hamacher_product(right, left)) / 2

    return caging_reward


# By kind: those with a function of their own.
OWN = {
    "pick-place": pick_place_caging,
    "push-back": sweeping_caging(0.003, 0.01),
    "soccer": sweeping_caging(0.01, 0.005),
    "sweep": sweeping_caging(0.01, 0.005),
    "sweep-into": sweeping_caging(0.005, 0.01),
}


def _sides(self: Any, obj_pos: Vector) -> Iterator[tuple[float, float]]:
    """Yields how far the object is from the left and the right finger, and the margin of that."""
    y = float(obj_pos[1])
    for sign, pad, start in ((1.0, "leftpad", self.init_left_pad), (-1.0, "rightpad", self.init_right_pad)):
        margin = abs(abs(y - float(start[1])) - _PAD_MARGIN)
        yield sign * (float(self.get_body_com(pad)[1]) - y), margin


def _enclosed(side: tuple[float, float], radius: float, far: float) -> Any:
    distance, margin = side
    return tolerance(distance, (radius, far), margin, "long_tail")


def _in_plane(self: Any, obj_pos: Vector, near: float) -> Any:
    """Returns how near hand and object are in the x-z plane."""
    margin = _apart(self.obj_init_pos, self.init_tcp, in_plane=True) - near
    return tolerance(_apart(obj_pos, self.tcp_center, in_plane=True), (0, near), margin, "long_tail")


def _apart(one: Vector, other: Vector, *, in_plane: bool = False) -> float:
    difference = one - other
    if in_plane:
        difference[1] = 0.0
    return math.sqrt(difference.dot(difference))  # numpy's product, as in np.linalg.norm
