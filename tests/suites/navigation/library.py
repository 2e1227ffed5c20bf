"""Worlds of the navigation suites, and what tests do with them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from metarl_bench.registry import SUITES, make_suite
from metarl_suites.navigation.driver import drive
from metarl_suites.navigation.plans import Plan
from metarl_suites.navigation.specs import HORIZON
from metarl_suites.navigation.worlds import DrivingWorlds

IDS = [spec.id for spec in SUITES.all() if spec.family == "navigation"]
LATEST = [name for name in IDS if SUITES.get(name).superseded_by is None]
VEHICLE, WEATHER = "navigation/drive-vehicle-v3", "navigation/drive-weather-v2"
TRAFFIC = "navigation/drive-traffic-v2"
USUAL: dict[str, dict[str, float | str]] = {
    VEHICLE: {
        "flat": "none",
        "mass": 1.0,
        "balance": 0.0,
        "power": 1.0,
        "steering": 1.0,
        "trim": 0.0,
        "delay": 0.0,
        "layout": 0.3,
    },
    WEATHER: {
        "weather": "dry",
        "friction": 0.9,
        "wind": 0.0,
        "direction": 0.0,
        "visibility": 20.0,
        "noise": 0.0,
        "layout": 0.3,
    },
    TRAFFIC: {"habit": "yields_left", "speed": 2.0, "gap": 12.0},
}
# Columns of the car's physics.
X, Y, QUAT, SPEED = 1, 2, slice(4, 8), 18  # where nobody else drives
WHEELS = np.array([8, 11, 13, 15])  # after the first speed


def worlds_with(suite_id: str, *changes: dict[str, float | str]) -> DrivingWorlds:
    suite = make_suite(suite_id)
    worlds = suite.make_worlds(len(changes), num_threads=1)
    assert isinstance(worlds, DrivingWorlds)
    worlds.set_tasks([suite.task("train", index, **USUAL[suite_id] | change) for index, change in enumerate(changes)])
    worlds.reset(seed=[5] * len(changes))
    return worlds


def place(worlds: DrivingWorlds, x: float, y: float, heading: float, speed: float = 0.0) -> None:
    """Puts all cars somewhere."""
    state, first = worlds.snapshot(), SPEED + 2 * worlds.definition.others
    state["physics"][:, X], state["physics"][:, Y] = x, y
    state["physics"][:, QUAT] = np.cos(0.5 * heading), 0.0, 0.0, np.sin(0.5 * heading)
    state["physics"][:, first] = speed * np.cos(heading)
    state["physics"][:, first + 1] = speed * np.sin(heading)
    state["physics"][:, first + WHEELS] = speed / 0.32
    state["left"] = worlds.charts.left(slice(None), np.array([[x, y]] * worlds.num_envs))
    worlds.restore(state)


def driven(worlds: DrivingWorlds, believed: Sequence[Plan] | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Returns what the scripted driver is paid in an episode of each world, and whether it arrives."""
    returns = np.zeros(worlds.num_envs)
    for _ in range(HORIZON):
        _, rewards, _, _, infos = worlds.step(drive(worlds, believed))
        returns += rewards
    return returns, infos["success"]


def play(worlds: DrivingWorlds, action: tuple[float, float], steps: int) -> np.ndarray:
    """Returns the sum of rewards."""
    total = np.zeros(worlds.num_envs)
    for _ in range(steps):
        total += worlds.step(np.array([action] * worlds.num_envs))[1]
    return total
