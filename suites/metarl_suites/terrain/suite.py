"""The task distributions of the terrain suites and their frozen lists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from typing_extensions import override

from metarl_bench.tasks import Split, Task
from metarl_suites.mixture import MixtureSuite
from metarl_suites.terrain.kinds import HELD_OUT, TRAINED, Kind
from metarl_suites.terrain.robots import ANT, CHEETAH, SIGHTED_WALKER, WALKER, Runner
from metarl_suites.terrain.worlds import TerrainWorlds


class TerrainSuite(MixtureSuite):
    """Grounds of all trained kinds, equally often; held out: the other kinds."""

    trained, held_out = TRAINED, HELD_OUT
    runner: ClassVar[Runner]

    @property
    @override
    def num_numbers(self) -> int:
        return 4

    @override
    def make_worlds(self, num_worlds: int, *, num_threads: int = 0) -> TerrainWorlds:
        return TerrainWorlds(self.spec, num_worlds, runner=self.runner, num_threads=num_threads)

    @override
    def place(self, split: Split, index: int, kind: Kind, point: Sequence[float]) -> Task:
        ranges = (kind.height, kind.length, kind.friction, (0.0, 1.0))
        values = [round(low + (high - low) * part, 6) for (low, high), part in zip(ranges, point, strict=True)]
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


class SightedWalkerTerrain(TerrainSuite):
    """The same on grounds that begin farther away."""

    runner = SIGHTED_WALKER
