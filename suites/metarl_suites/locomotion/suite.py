"""The task distributions of the locomotion suites and their frozen lists."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from typing_extensions import override

from metarl_bench.tasks import Split, Suite, Task
from metarl_suites.locomotion.worlds import CheetahWorlds, direction_reward, velocity_reward

NUM_FROZEN = 30
# Where in its slice of the range each frozen task lies; different for validation and test, so that they share none.
_QUANTILE = {"test": 0.5, "validation": 0.25, "test_ood": 0.5}
# m/s; the out-of-distribution list goes on above the training range by this much.
_BEYOND = 1.0


@dataclass(frozen=True, kw_only=True)
class CheetahVelocity(Suite):
    """Run at a hidden speed, drawn uniformly from the suite's range."""

    @override
    def sample_tasks(self, count: int, rng: np.random.Generator) -> list[Task]:
        (velocity,) = self.spec.parameters
        draws = rng.uniform(velocity.low, velocity.high, count)
        return [self.task("train", index, velocity=draw) for index, draw in enumerate(draws)]

    @override
    def tasks(self, split: Split) -> tuple[Task, ...]:
        self.check_split(split)
        (velocity,) = self.spec.parameters
        low, high = velocity.low, velocity.high
        if split == "test_ood":
            low, high = velocity.high, velocity.high + _BEYOND
        speeds = [low + (high - low) * (index + _QUANTILE[split]) / NUM_FROZEN for index in range(NUM_FROZEN)]
        return tuple(self.task(split, index, velocity=speed) for index, speed in enumerate(speeds))

    @override
    def make_worlds(self, num_worlds: int, *, num_threads: int = 0) -> CheetahWorlds:
        return CheetahWorlds(self.spec, num_worlds, reward=velocity_reward, num_threads=num_threads)


@dataclass(frozen=True, kw_only=True)
class CheetahDirection(Suite):
    """Run forward or backward; the same two tasks in every split, and none out of distribution."""

    @override
    def sample_tasks(self, count: int, rng: np.random.Generator) -> list[Task]:
        both = self.tasks("train")
        return [both[draw] for draw in rng.integers(2, size=count)]

    @override
    def tasks(self, split: Split) -> tuple[Task, ...]:
        self.check_split(split)
        if split == "test_ood":
            return ()
        return tuple(self.task(split, index, direction=sign) for index, sign in enumerate((1.0, -1.0)))

    @override
    def make_worlds(self, num_worlds: int, *, num_threads: int = 0) -> CheetahWorlds:
        return CheetahWorlds(self.spec, num_worlds, reward=direction_reward, num_threads=num_threads)
