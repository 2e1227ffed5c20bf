"""The task distributions of the terrain suites and their frozen lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from typing_extensions import override

from metarl_bench.tasks import Split, Suite, Task
from metarl_suites.frozen import spread
from metarl_suites.terrain.kinds import HELD_OUT, TRAINED, Kind
from metarl_suites.terrain.robots import ANT, CHEETAH, WALKER, Runner
from metarl_suites.terrain.worlds import TerrainWorlds

NUM_FROZEN = 30
# Where each frozen list begins in the sequence below, and how far apart kinds are, so that no two tasks are alike.
_BEGIN = {"test": 0, "validation": 1000, "test_ood": 2000}
_APART = 100


@dataclass(frozen=True, kw_only=True)
class TerrainSuite(Suite):
    """Grounds of all trained kinds, equally often; held out: the other kinds."""

    runner: ClassVar[Runner]

    @override
    def sample_tasks(self, count: int, rng: np.random.Generator) -> list[Task]:
        kinds = rng.integers(len(TRAINED), size=count)
        draws = rng.uniform(size=(count, 4))
        return [
            self._ground("train", index, TRAINED[kind], draw)
            for index, (kind, draw) in enumerate(zip(kinds, draws, strict=True))
        ]

    @override
    def tasks(self, split: Split) -> tuple[Task, ...]:
        self.check_split(split)
        kinds = HELD_OUT if split == "test_ood" else TRAINED
        # The kinds take turns, so that a part of the list has all of them, too.
        places = [divmod(index, len(kinds)) for index in range(NUM_FROZEN)]
        return tuple(
            self._ground(split, index, kinds[kind], spread(_BEGIN[split] + _APART * kind + turn, 4))
            for index, (turn, kind) in enumerate(places)
        )

    @override
    def make_worlds(self, num_worlds: int, *, num_threads: int = 0) -> TerrainWorlds:
        return TerrainWorlds(self.spec, num_worlds, runner=self.runner, num_threads=num_threads)

    def _ground(self, split: Split, index: int, kind: Kind, place: Sequence[float]) -> Task:
        """Returns the task at a place [4] of the unit cube over a kind's ranges."""
        ranges = (kind.height, kind.length, kind.friction, (0.0, 1.0))
        values = [round(low + (high - low) * float(part), 6) for (low, high), part in zip(ranges, place, strict=True)]
        height, length, friction, layout = values
        return self.task(split, index, kind=kind.name, height=height, length=length, friction=friction, layout=layout)


class CheetahTerrain(TerrainSuite):
    """The half cheetah."""

    runner = CHEETAH


class AntTerrain(TerrainSuite):
    """The ant, on grounds that are the same all across."""

    runner = ANT


class WalkerTerrain(TerrainSuite):
    """The planar walker."""

    runner = WALKER
