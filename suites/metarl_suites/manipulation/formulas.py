"""Rewards of the kinds that open, close, press and reach, each as a formula of a few numbers.

A formula knows what its task determined at the episode's start, and rewards a step: what Meta-World's
``compute_reward`` does, in the same order of operations, so that it comes to the same last bit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from metarl_suites.manipulation.shaping import Vector, both, gaussian, length, long_tail
from metarl_suites.manipulation.sights import HAND, NEAR, OBJECT, OPENING, REST, TCP

# Of the facts as an array and as a list, and of the grip that the action asks for: the reward, and whether it is
# solved.
Formula = Callable[[Vector, list[float], np.float32], tuple[Any, bool]]
# What Meta-World's environment holds of a task.
Attributes = Mapping[str, Any]

_Z, _X = OBJECT.start + 2, OBJECT.start
_FIRST = REST.start
_DOOR, _HANDLE = np.array([-0.05, 0.0, 0.0]), np.array([0.05, 0.03, -0.01])
_SHOULDER = np.array([0.0, 0.055, 0.07])


def reach(own: Attributes) -> Formula:
    """Brings the hand to the goal."""
    target = own["_target_pos"]
    margin = length(own["hand_init_pos"] - target)

    def formula(facts: Vector, numbers: list[float], grip: np.float32) -> tuple[Any, bool]:
        to_target = length(facts[TCP] - target)
        return 10 * long_tail(to_target, 0, 0.05, margin), to_target <= 0.05

    return formula


def open_door(own: Attributes) -> Formula:
    """Pulls the door by its handle; the rest of the facts is the door's angle."""
    goal_x = float(own["_target_pos"][0])

    def formula(facts: Vector, numbers: list[float], grip: np.float32) -> tuple[Any, bool]:
        hand, door = facts[HAND], facts[OBJECT] + _DOOR
        apart = hand - door
        radius = length(apart[:2])
        # What keeps the hand from running into the handle: a funnel round the door, and numpy's logarithm.
        floor = 0.0 if radius <= 0.12 else float(0.04 * np.log(radius - 0.12) + 0.4)
        above = 1.0 if numbers[2] >= floor else long_tail(floor - numbers[2], 0.0, 0.01, floor / 2.0)
        ready = both(above, long_tail(length(apart - _HANDLE), 0, 0.06, 0.5))
        angle = numbers[_FIRST]
        opened = 0.2 * float(angle < -np.pi / 90.0) + 0.8 * long_tail(
            np.pi / 2.0 + np.pi / 6 + angle, 0, 0.5, np.pi / 3.0
        )
        solved = abs(numbers[_X] - goal_x) <= 0.08
        effort = float((grip + 1.0) / 2.0)  # in float32, as the action is
        return 10.0 if solved else 2.0 * both(ready, effort) + 8.0 * opened, solved

    return formula


def close_door(own: Attributes) -> Formula:
    """Pushes the door shut."""
    target, hand_start = own["_target_pos"], own["hand_init_pos"]
    margin = length(own["obj_init_pos"] - target)

    def formula(facts: Vector, numbers: list[float], grip: np.float32) -> tuple[Any, bool]:
        place = facts[OBJECT]
        to_target = length(place - target)
        hand = gaussian(length(facts[TCP] - target), 0.25 * 0.05, length(hand_start - place) + 0.1)
        reward = 10 if to_target < 0.05 else 3 * hand + 6 * gaussian(to_target, 0.05, margin)
        return reward, to_target <= 0.08

    return formula


def open_drawer(own: Attributes) -> Formula:
    """Pulls the drawer by its handle."""
    target, margin, scale = own["_target_pos"], own["maxDist"], np.array([3.0, 3.0, 1.0])
    hand_margin = length((target + np.array([0.0, margin, 0.0]) - own["init_tcp"]) * scale)

    def formula(facts: Vector, numbers: list[float], grip: np.float32) -> tuple[Any, bool]:
        handle = facts[OBJECT]
        to_target = length(handle - target)
        caging = long_tail(length((handle - facts[HAND]) * scale), 0, 0.01, hand_margin)
        return (caging + long_tail(to_target, 0, 0.02, margin)) * 5.0, to_target <= 0.03

    return formula


def close_drawer(own: Attributes) -> Formula:
    """Pushes the drawer in with closed fingers."""
    target, start = own["_target_pos"], own["obj_init_pos"]
    margin = abs(length(start - target) - 0.05)
    hand_margin = abs(length(start - own["init_tcp"]) - 0.005)

    def formula(facts: Vector, numbers: list[float], grip: np.float32) -> tuple[Any, bool]:
        to_target = length(facts[OBJECT] - target)
        solved = to_target <= 0.05 + 0.015
        if solved:
            return 10.0, True
        near = both(gaussian(numbers[NEAR], 0.005, hand_margin), min(max(0, grip), 1))
        return both(near, long_tail(to_target, 0, 0.05, margin)) * 10, False

    return formula


def press_from_above(own: Attributes) -> Formula:
    """Presses the button with an open hand."""
    goal_z, margin, hand_start = float(own["_target_pos"][2]), float(own["_obj_to_target_init"]), own["init_tcp"]

    def formula(facts: Vector, numbers: list[float], grip: np.float32) -> tuple[Any, bool]:
        to_target, near = abs(goal_z - numbers[_Z]), numbers[NEAR]
        reward = 5 * both(1 - numbers[OPENING], long_tail(near, 0, 0.01, length(facts[OBJECT] - hand_start)))
        if near <= 0.03:
            reward += 5 * long_tail(to_target, 0, 0.005, margin)
        return reward, to_target <= 0.024

    return formula


def open_window(own: Attributes) -> Formula:
    """Slides the window by its handle."""
    goal_x = float(own["_target_pos"][0])
    margin = abs(abs(float(own["obj_init_pos"][0]) - goal_x) - 0.05)
    hand_margin = abs(length(own["window_handle_pos_init"] - own["init_tcp"]) - 0.02)

    def formula(facts: Vector, numbers: list[float], grip: np.float32) -> tuple[Any, bool]:
        to_target = abs(numbers[_X] - goal_x)
        near = long_tail(numbers[NEAR], 0, 0.02, hand_margin)
        return 10 * both(near, long_tail(to_target, 0, 0.05, margin)), to_target <= 0.05

    return formula


def pull_lever(own: Attributes) -> Formula:
    """Lifts the lever with the shoulder of the hand; the rest of the facts is the lever's angle."""
    target, start, scale = own["_target_pos"], own["_lever_pos_init"], np.array([4.0, 1.0, 4.0])
    shoulder_margin = length((own["init_tcp"] + _SHOULDER - start) * scale)
    margin = length(start - target)

    def formula(facts: Vector, numbers: list[float], grip: np.float32) -> tuple[Any, bool]:
        lever = facts[OBJECT]
        ready = long_tail(length((facts[HAND] + _SHOULDER - lever) * scale), 0, 0.02, shoulder_margin)
        reward = 10.0 * both(ready, long_tail(length(lever - target), 0, 0.04, margin))
        return reward, abs(-numbers[_FIRST] - np.pi / 2.0) <= np.pi / 24

    return formula
