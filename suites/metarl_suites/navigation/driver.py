"""A driver who knows everything: pure pursuit with the car's own numbers; the expert, and the solvability test.

``python -m metarl_suites.navigation.driver navigation/drive-vehicle-v3`` measures it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np

from metarl_bench import seeding
from metarl_bench.commands import run_command
from metarl_bench.errors import ConfigError
from metarl_bench.opening import open_worlds
from metarl_bench.registry import make_suite
from metarl_bench.tasks import Split, Suite, Task
from metarl_suites.navigation.cars import LOCK
from metarl_suites.navigation.overtaking import overtake
from metarl_suites.navigation.plans import STEP_S, Plan
from metarl_suites.navigation.rays import Array
from metarl_suites.navigation.worlds import DrivingWorlds

WHEELBASE = 2.6  # m
EXAMPLE = "navigation/drive-vehicle-v3"
EPISODES = 10  # of each task, behind the reference
# m ahead; where the driver looks for bends.
_LOOKS = np.arange(2.0, 26.0, 2.0)
_BEND = 16.0  # m over which a bend is measured: two pieces of a road
_GRIP = 0.7  # 1; share of the road's friction that the driver uses in bends
_BRAKES = 0.5  # 1; and for braking
_CRUISE = 11.0  # m/s
_CAUTION = 6.0  # m/s2; how much slower for each second that the car takes to answer
# s, m, m and 1; how far ahead the driver steers at: seconds of driving, at least and at most, and a share of the
# way that the car takes to answer.
_REACH_S, _NEAREST, _FARTHEST, _REACH_WAIT = 0.6, 4.0, 9.0, 0.3
_PULL = 3.9  # m/s2; the usual car at full throttle
_HOLD = 0.25  # 1; throttle at the speed that is wanted
_BRAKE_GAIN = 0.5  # 1; brakes for each m/s too fast, times the throttle for each m/s too slow
_REAR = 0.5  # 1; share of the weight on the driven wheels
_SPIN = 1.2  # 1; throttle at most, times what those wheels can bring to the road
_SLIPPERY, _GENTLY = 0.4, 0.3  # 1; friction below which the driver brakes no harder than that
_GRAVITY = 9.81  # m/s2


def drive(worlds: DrivingWorlds, believed: Sequence[Plan] | None = None) -> Array:
    """Returns what the driver does now in all worlds [worlds, 2].

    Args:
        worlds: Where cars, streets and destinations are.
        believed: What the driver takes car and weather for; the truth where None.
    """
    plans = worlds.plans if believed is None else believed
    steering, trim, power, delay, mass, grip = np.array(
        [
            (
                plan.vehicle.steering,
                plan.vehicle.trim,
                plan.vehicle.power,
                plan.vehicle.delay,
                plan.vehicle.mass,
                0.5 * (plan.weather.friction + plan.weather.patches),
            )
            for plan in plans
        ]
    ).T
    forward, _, turning = worlds.velocities.T
    # Where the car will be when what is done now reaches it; the wheels take about a step, too.
    wait = (delay + 1.0) * STEP_S
    heading = worlds.headings
    middle = heading + 0.5 * wait * turning
    moved = np.stack([forward * np.cos(middle), forward * np.sin(middle)], axis=1) * wait[:, np.newaxis]
    places, heading = worlds.places + moved, heading + wait * turning
    left = worlds.left - np.maximum(forward * wait, 0.0)
    reach = np.clip(_REACH_S * forward, _NEAREST, _FARTHEST) + _REACH_WAIT * wait * forward
    apart = worlds.charts.ahead(left, reach) - places
    fastest = np.minimum(_fastest(worlds, left, grip), _CRUISE - _CAUTION * wait)
    if worlds.definition.others:
        lane, most = overtake(worlds.cars, plans)
        apart[:, 1] += lane
        fastest = np.minimum(fastest, most)
    bearing = np.arctan2(apart[:, 1], apart[:, 0]) - heading
    lock = np.arctan2(2.0 * WHEELBASE * np.sin(bearing), np.hypot(apart[:, 0], apart[:, 1]))
    wheel = (lock - trim) / (LOCK * steering)
    throttle = (fastest - forward) * mass / power + _HOLD
    throttle = np.where(throttle < 0.0, _BRAKE_GAIN * throttle, throttle)
    most = grip * _REAR * _GRAVITY / _PULL * mass / power * _SPIN
    least = -np.where(grip < _SLIPPERY, _GENTLY, 1.0)
    return np.stack([np.clip(wheel, -1.0, 1.0), np.clip(throttle, least, np.clip(most, 0.1, 1.0))], axis=1)


def _fastest(worlds: DrivingWorlds, left: Array, grip: Array) -> Array:
    """Returns how fast the next bends allow to drive, m/s."""
    fastest = np.full(len(left), _CRUISE)
    for look in _LOOKS:
        points = [worlds.charts.ahead(left, look + offset) for offset in (-0.5 * _BEND, 0.0, 0.5 * _BEND)]
        before, after = points[1] - points[0], points[2] - points[1]
        turn = np.arctan2(after[:, 1], after[:, 0]) - np.arctan2(before[:, 1], before[:, 0])
        turn = np.abs((turn + np.pi) % (2.0 * np.pi) - np.pi)
        moving = np.hypot(*after.T) * np.hypot(*before.T) > 0.0
        bend = np.where(moving, turn, 0.0) / (0.5 * _BEND)
        there = _GRIP * grip * _GRAVITY / np.maximum(bend, 1e-3)
        fastest = np.minimum(fastest, np.sqrt(there + 2.0 * _BRAKES * grip * _GRAVITY * np.maximum(look - 3.0, 0.0)))
    return fastest


@contextmanager
def open_cars(suite: Suite, tasks: Sequence[Task]) -> Iterator[DrivingWorlds]:
    """Gives one car for each task, not reset yet.

    Raises:
        ConfigError: If there is nothing to drive in the suite.
    """
    with open_worlds(suite, tasks, num_threads=0) as worlds:
        if not isinstance(worlds, DrivingWorlds):
            raise ConfigError(f"{suite.spec.id} has no cars; expected a suite of navigation, such as {EXAMPLE}.")
        yield worlds


class Drives(NamedTuple):
    """What the driver got on the tasks of a list."""

    returns: Array  # [episodes, tasks]
    success: Array
    lengths: Array


def measure(suite_id: str, *, split: Split = "test", episodes: int = EPISODES) -> Drives:
    """Lets the driver drive all tasks of a frozen list.

    Raises:
        ConfigError: If there is nothing to drive in the suite.
    """
    suite = make_suite(suite_id)
    tasks = suite.tasks(split)
    found = Drives(*(np.zeros((episodes, len(tasks))) for _ in range(3)))
    with open_cars(suite, tasks) as worlds:
        for episode in range(episodes):
            worlds.reset(seed=[seeding.world_seed("driver", suite_id, episode, i) for i in range(len(tasks))])
            for _ in range(suite.spec.horizon):
                _, rewards, _, _, infos = worlds.step(drive(worlds))
                found.returns[episode] += rewards
                found.success[episode] = infos["success"]
                found.lengths[episode] += infos["active"]
    return found


def main(suite_ids: Sequence[str]) -> int:
    """Writes what the driver gets on the test tasks of some suites to standard output.

    Raises:
        ConfigError: If no suite is named.
    """
    if not suite_ids:
        raise ConfigError(f"No suite was given; expected: python -m metarl_suites.navigation.driver {EXAMPLE}")
    for name in suite_ids:
        for listed in ("test", "test_ood"):
            drives = measure(name, split=listed)
            sys.stdout.write(
                f"{name} {listed}: return {drives.returns.mean():.2f}, success {drives.success.mean():.3f}, "
                f"steps {drives.lengths.mean():.0f}\n"
            )
    return 0


if __name__ == "__main__":
    sys.exit(run_command(lambda: main(sys.argv[1:])))
