"""Rewards of the kinds that grasp and move an object, as formulas like those of ``formulas``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from metarl_suites.manipulation.formulas import Attributes, Formula
from metarl_suites.manipulation.shaping import (
    Vector,
    both,
    caged,
    closed_on,
    enclosed,
    grasped,
    length,
    length_in_plane,
    long_tail,
    swept,
)
from metarl_suites.manipulation.sights import NEAR, NEAR_IN_PLANE, OBJECT, OPENING, PADS, REST

_LEFT, _RIGHT = PADS.start, PADS.start + 1
_X, _Y, _Z = range(OBJECT.start, OBJECT.stop)
_FIRST = REST.start


def push(own: Attributes) -> Formula:
    """Pushes the object over the table to the goal."""
    target = own["_target_pos"]
    margin = length(own["obj_init_pos"] - target)
    hold = _caging(own, radius=0.015, reach=0.05, plane=0.005)

    def formula(facts: Vector, numbers: list[float], grip: np.float32) -> tuple[Any, bool]:
        to_target = length(facts[OBJECT] - target)
        solved = to_target <= 0.05
        if to_target < 0.05:
            return 10.0, solved
        reward = 2 * grasped(hold(numbers), grip)
        if numbers[NEAR] < 0.02 and numbers[OPENING] > 0:
            reward += 1.0 + reward + 5.0 * long_tail(to_target, 0, 0.05, margin)
        return reward, solved

    return formula


def pick_and_place(own: Attributes) -> Formula:
    """Lifts the object to the goal."""
    target, start, lifted = own["_target_pos"], own["obj_init_pos"], float(own["obj_init_pos"][2])
    margin = length(start - target)
    plane_margin = length_in_plane(start - own["init_tcp"]) - 0.005

    def formula(facts: Vector, numbers: list[float], grip: np.float32) -> tuple[Any, bool]:
        to_target = length(facts[OBJECT] - target)
        solved = to_target <= 0.07
        if to_target < 0.05:
            return 10.0, solved
        in_place = long_tail(to_target, 0, 0.05, margin)
        in_plane = long_tail(numbers[NEAR_IN_PLANE], 0, 0.005, plane_margin)
        caging = both(enclosed(numbers[_Y], (numbers[_LEFT], numbers[_RIGHT]), 0.015, 0.05), in_plane)
        reward = both(grasped(caging, grip), in_place)
        if numbers[NEAR] < 0.02 and numbers[OPENING] > 0 and numbers[_Z] - 0.01 > lifted:
            reward += 1.0 + 5.0 * in_place
        return reward, solved

    return formula


def sweep(own: Attributes) -> Formula:
    """Sweeps the object off the table."""
    target = own["_target_pos"]
    margin = length(own["obj_init_pos"] - target)
    plane_margin = length_in_plane(own["obj_init_pos"] - own["init_tcp"]) - 0.005

    def formula(facts: Vector, numbers: list[float], grip: np.float32) -> tuple[Any, bool]:
        to_target = length(facts[OBJECT] - target)
        solved = to_target <= 0.05
        if to_target < 0.05:
            return 10.0, solved
        in_plane = long_tail(numbers[NEAR_IN_PLANE], 0, 0.005, plane_margin)
        held = swept(numbers[_Y], (numbers[_LEFT], numbers[_RIGHT]), 0.02, 0.01, in_plane)
        return 2 * held + 6 * both(held, long_tail(to_target, 0, 0.05, margin)), solved

    return formula


def sweep_into(own: Attributes) -> Formula:
    """Sweeps the object into a hole, at whatever height it is."""
    target, start = own["_target_pos"], own["obj_init_pos"]
    start_z, from_start = float(start[2]), start - target
    plane_margin = length_in_plane(start - own["init_tcp"]) - 0.01

    def formula(facts: Vector, numbers: list[float], grip: np.float32) -> tuple[Any, bool]:
        to_target = length_on_table(facts[OBJECT] - target)
        solved = to_target <= 0.05
        if to_target < 0.05:
            return 10.0, solved
        in_plane = long_tail(numbers[NEAR_IN_PLANE], 0, 0.01, plane_margin)
        held = swept(numbers[_Y], (numbers[_LEFT], numbers[_RIGHT]), 0.02, 0.005, in_plane)
        from_start[2] = start_z - numbers[_Z]
        return 2 * held + 6 * both(held, long_tail(to_target, 0, 0.05, length(from_start))), solved

    return formula


def throw(own: Attributes) -> Formula:
    """Brings the ball over the hoop, whose place is the rest of the facts."""
    start, lifted, scale = own["obj_init_pos"], float(own["obj_init_pos"][2]), np.array([1.0, 1.0, 2.0])
    hold = _caging(own, radius=0.025, reach=0.06, plane=0.005)

    def formula(facts: Vector, numbers: list[float], grip: np.float32) -> tuple[Any, bool]:
        target = np.array([numbers[_FIRST], numbers[_FIRST + 1], 0.3])
        to_target = length((facts[OBJECT] - target) * scale)
        solved = to_target <= 0.08
        if to_target < 0.08:
            return 10.0, solved
        in_place = long_tail(to_target, 0, 0.08, length((start - target) * scale))
        if numbers[NEAR] < 0.035 and numbers[OPENING] > 0 and numbers[_Z] - 0.01 > lifted:
            return both(1.0, in_place) + (1.0 + 5.0 * in_place), solved
        return both(grasped(hold(numbers), grip), in_place), solved

    return formula


def shelve(own: Attributes) -> Formula:
    """Lifts the object onto the shelf, round what stands before it."""
    target, lifted = own["_target_pos"], float(own["obj_init_pos"][2])
    goal_x, goal_y, _ = target.tolist()
    margin = length(own["obj_init_pos"] - target)
    hold = _caging(own, radius=0.02, reach=0.05, plane=0.01)

    def formula(facts: Vector, numbers: list[float], grip: np.float32) -> tuple[Any, bool]:
        to_target = length(facts[OBJECT] - target)
        solved = to_target <= 0.07
        if to_target < 0.05:
            return 10.0, solved
        x, y, z = numbers[OBJECT]
        in_place: Any = long_tail(to_target, 0, 0.05, margin)
        reward = both(closed_on(hold(numbers), grip), in_place)
        if 0.0 < z < 0.24 and goal_x - 0.15 < x < goal_x + 0.15:
            if goal_y - 3 * 0.05 < y < goal_y:
                loss = both((y - (goal_y - 3 * 0.05)) / (3 * 0.05), (0.24 - z) / 0.24)
                in_place = np.clip(in_place - loss, 0.0, 1.0)  # from here on numpy's, and so not in float32
            if y > goal_y:
                in_place = 0.0
        if numbers[NEAR] < 0.025 and numbers[OPENING] > 0 and z - 0.01 > lifted:
            reward += 1.0 + 5.0 * in_place
        return reward, solved

    return formula


def insert_peg(own: Attributes) -> Formula:
    """Lifts the peg and puts it into the box; the rest of the facts is its head, and the corners of two blocks."""
    target, lifted, scale = own["_target_pos"], float(own["obj_init_pos"][2]), np.array([1.0, 2.0, 2.0])
    margin = length((own["peg_head_pos_init"] - target) * scale)
    hold = _caging(own, radius=0.0075, reach=0.03, plane=0.005)
    head, blocks = slice(_FIRST, _FIRST + 3), [slice(first, first + 3) for first in range(_FIRST + 3, _FIRST + 15, 3)]

    def formula(facts: Vector, numbers: list[float], grip: np.float32) -> tuple[Any, bool]:
        to_target = length((facts[head] - target) * scale)
        if to_target <= 0.07:
            return 10.0, True
        place, corners = numbers[head], [numbers[block] for block in blocks]
        free = both(_outside(place, corners[2], corners[3]), _outside(place, corners[0], corners[1]))
        in_place = both(long_tail(to_target, 0, 0.07, margin), free)
        if numbers[NEAR] < 0.08 and numbers[OPENING] > 0 and numbers[_Z] - 0.01 > lifted:
            return both(1.0, in_place) + (1.0 + 5 * in_place), False
        return both(grasped(hold(numbers), grip), in_place), False

    return formula


def length_on_table(vector: Vector) -> float:
    """Returns ``np.linalg.norm`` of a vector between points at the same height."""
    vector[2] = 0.0
    return length(vector)


def _caging(own: Attributes, *, radius: float, reach: float, plane: float) -> Callable[[list[float]], float]:
    """Returns how far fingers enclose an object, of the numbers of the facts; arguments as those of ``caged``."""
    start_y = float(own["obj_init_pos"][1])
    margin = length_in_plane(own["obj_init_pos"] - own["init_tcp"]) - plane

    def caging(numbers: list[float]) -> float:
        in_plane = long_tail(numbers[NEAR_IN_PLANE], 0, plane, margin)
        return caged(numbers[_Y], start_y, (numbers[_LEFT], numbers[_RIGHT]), radius, reach, in_plane)

    return caging


def _outside(place: Sequence[float], zero: Sequence[float], one: Sequence[float]) -> float:
    """``reward_utils.rect_prism_tolerance``: 1 outside of a block, and inside rising from one corner to the other."""
    share = 1.0
    for at, low, high in zip(place, zero, one, strict=True):
        if not (low <= at <= high if high >= low else high <= at <= low):
            return 1.0
        share *= (at - low) / (high - low)
    return np.float64(share)  # as in the original, where what is multiplied with it is then in float32 no more
