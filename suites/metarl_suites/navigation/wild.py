"""Drivers who do not look: how far walls tip their cars, and what the same action all the time is paid.

``python -m metarl_suites.navigation.wild navigation/drive-city-v2`` measures both.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from metarl_bench import seeding
from metarl_bench.commands import run_command
from metarl_bench.errors import ConfigError
from metarl_bench.registry import make_suite
from metarl_bench.tasks import Suite, Task
from metarl_suites.navigation.driver import EXAMPLE, open_cars
from metarl_suites.navigation.rays import Array
from metarl_suites.navigation.worlds import DrivingWorlds

LEANING = math.radians(18.0)  # more than springs and brakes do on open ground
EPISODES = 4  # of each test and each held-out task, and each way
# Steering and throttle: standing still, straight on, into walls, in circles, backwards.
CONSTANT = np.array([(0.0, 0.0), (0.0, 0.3), (0.0, 0.7), (0.0, 1.0), (0.3, 1.0), (-0.3, 1.0), (1.0, 1.0), (0.0, -1.0)])


class Way(NamedTuple):
    """A way of driving without looking: actions at random, each held for a while.

    Attributes:
        name: What it is called where figures are printed.
        steering: 1; at most, to either side.
        throttle: 1; at least.
        steps: For which an action is held.
    """

    name: str
    steering: float
    throttle: float
    steps: int


FAST = Way("full throttle", steering=0.15, throttle=1.0, steps=20)
WINDING = Way("winding", steering=0.5, throttle=0.6, steps=5)


def drive_wildly(worlds: DrivingWorlds, way: Way, rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    """Drives an episode in worlds that have been reset; gives the infos of each step."""
    for step in range(worlds.suite.horizon):
        if step % way.steps == 0:
            steering = rng.uniform(-way.steering, way.steering, worlds.num_envs)
            actions = np.stack([steering, rng.uniform(way.throttle, 1.0, worlds.num_envs)], axis=1)
        *_, infos = worlds.step(actions)
        yield infos


def measure(suite_id: str, way: Way) -> tuple[Array, Array]:
    """Returns how far cars leaned at most, and in the end, rad [car-episodes], on all test and held-out tasks."""
    suite = make_suite(suite_id)
    tasks = [*suite.tasks("test"), *suite.tasks("test_ood")] * EPISODES
    with open_cars(suite, tasks) as worlds:
        worlds.reset(seed=[seeding.world_seed("wild", suite_id, way.name, i) for i in range(len(tasks))])
        worst = worlds.leans
        for _ in drive_wildly(worlds, way, seeding.generator("wild", suite_id, way.name)):
            worst = np.maximum(worst, worlds.leans)
        return worst, worlds.leans


def constant(suite: Suite, tasks: Sequence[Task]) -> tuple[Array, Array]:
    """Returns what an episode of each constant action is paid, and whether it arrives [constant actions, tasks]."""
    with open_cars(suite, [*tasks] * len(CONSTANT)) as worlds:
        seeds = [seeding.world_seed("constant", suite.spec.id, i) for i in range(len(tasks))]
        worlds.reset(seed=seeds * len(CONSTANT))
        returns = np.zeros(worlds.num_envs)
        for _ in range(suite.spec.horizon):
            _, rewards, _, _, infos = worlds.step(np.repeat(CONSTANT, len(tasks), axis=0))
            returns += rewards
    shape = len(CONSTANT), len(tasks)
    return returns.reshape(shape), infos["success"].reshape(shape)


def main(suite_ids: Sequence[str]) -> int:
    """Writes how many cars lean, and what the best constant action is paid, to standard output.

    Raises:
        ConfigError: If no suite is named.
    """
    if not suite_ids:
        raise ConfigError(f"No suite was given; expected: python -m metarl_suites.navigation.wild {EXAMPLE}")
    for name in suite_ids:
        for way in (FAST, WINDING):
            worst, last = measure(name, way)
            sys.stdout.write(
                f"{name} {way.name}: of {len(worst)} car-episodes, {(worst > LEANING).sum()} leaned by more than "
                f"{math.degrees(LEANING):.0f} degrees, {(last > 0.5 * math.pi).sum()} ended on the roof; "
                f"worst {math.degrees(worst.max()):.0f} degrees\n"
            )
        suite = make_suite(name)
        for listed in ("test", "test_ood"):
            returns, success = constant(suite, suite.tasks(listed))
            best = int(returns.mean(axis=1).argmax())
            steering, throttle = CONSTANT[best]
            sys.stdout.write(
                f"{name} {listed}: best constant action, steering {steering:g}, throttle {throttle:g}: "
                f"return {returns[best].mean():.2f}, success {success[best].mean():.2f}\n"
            )
    return 0


if __name__ == "__main__":
    sys.exit(run_command(lambda: main(sys.argv[1:])))
