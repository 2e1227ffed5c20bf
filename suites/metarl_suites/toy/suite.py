"""The toy suites: training distributions and frozen task lists."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from typing_extensions import override

from metarl_bench.tasks import Split, Suite, Task
from metarl_suites.toy.worlds import PointRobotWorlds, PointWorlds, SparsePointRobotWorlds

NUM_FROZEN = 30


@dataclass(frozen=True, kw_only=True)
class PointSuite(Suite):
    """What the toy suites share: tasks are rows of parameters, and worlds need no threads."""

    worlds: ClassVar[type[PointWorlds]]

    @abstractmethod
    def frozen(self, split: Split) -> list[dict[str, float]]:
        """Returns the parameters of a frozen list."""

    @override
    def sample_tasks(self, count: int, rng: np.random.Generator) -> list[Task]:
        names = [parameter.name for parameter in self.spec.parameters]
        low = [parameter.low for parameter in self.spec.parameters]
        high = [parameter.high for parameter in self.spec.parameters]
        draws = rng.uniform(low, high, (count, len(names)))
        return [self.task("train", i, **dict(zip(names, draw, strict=True))) for i, draw in enumerate(draws)]

    @override
    def tasks(self, split: Split) -> tuple[Task, ...]:
        self.check_split(split)
        return tuple(self.task(split, i, **params) for i, params in enumerate(self.frozen(split)))

    @override
    def make_worlds(self, num_worlds: int, *, num_threads: int = 0) -> PointWorlds:
        return self.worlds(self.spec, num_worlds)


class PointRobotSuite(PointSuite):
    """Goals in the square; held out: goals on a circle around it."""

    worlds = PointRobotWorlds

    @override
    def frozen(self, split: Split) -> list[dict[str, float]]:
        if split == "test_ood":
            angles = [2.0 * math.pi * q for q in midpoints(NUM_FROZEN)]
            # Rounded because sine and cosine may differ in their last bit between machines.
            goals = [(round(1.5 * math.cos(angle), 6), round(1.5 * math.sin(angle), 6)) for angle in angles]
        else:
            columns, rows = (6, 5) if split == "test" else (5, 6)
            goals = [(2.0 * x - 1.0, 2.0 * y - 1.0) for x in midpoints(columns) for y in midpoints(rows)]
        return [{"goal_x": x, "goal_y": y} for x, y in goals]


class SparsePointRobotSuite(PointSuite):
    """Goals on the upper half circle; held out: the lower one."""

    worlds = SparsePointRobotWorlds

    @override
    def frozen(self, split: Split) -> list[dict[str, float]]:
        if split == "validation":
            quantiles = [(i + 1) / (NUM_FROZEN + 1) for i in range(NUM_FROZEN)]
        else:
            quantiles = midpoints(NUM_FROZEN)
        offset = math.pi if split == "test_ood" else 0.0
        return [{"angle": offset + math.pi * q} for q in quantiles]


def midpoints(count: int) -> list[float]:
    """Returns the middles of equal parts of [0, 1]."""
    return [(i + 0.5) / count for i in range(count)]
