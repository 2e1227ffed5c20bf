"""The task distribution of the suite of objects, and its frozen lists."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from typing_extensions import override

from metarl_bench.tasks import Split, Task
from metarl_suites.manipulation.suite import require_meta_world
from metarl_suites.manipulation.things import HELD_OUT, RANGES, TRAINED
from metarl_suites.mixture import MixtureSuite

if TYPE_CHECKING:
    from metarl_suites.manipulation.object_worlds import ObjectWorlds


@dataclass(frozen=True, kw_only=True)
class ObjectSuite(MixtureSuite):
    """Objects of all trained shapes, equally often; held out: the other shapes."""

    trained, held_out = TRAINED, HELD_OUT

    def __post_init__(self) -> None:
        require_meta_world(self.spec)

    @property
    @override
    def num_numbers(self) -> int:
        return len(RANGES)

    @override
    def make_worlds(self, num_worlds: int, *, num_threads: int = 0) -> ObjectWorlds:
        from metarl_suites.manipulation.object_worlds import ObjectWorlds

        return ObjectWorlds(self.spec, num_worlds, num_threads=num_threads)

    @override
    def place(self, split: Split, index: int, kind: str, point: Sequence[float]) -> Task:
        values = {}
        for (name, (low, high)), part in zip(RANGES.items(), point, strict=True):
            # Masses evenly in their logarithm; rounded, because the last bit of a power may differ between machines.
            value = low * math.pow(high / low, part) if name == "mass" else low + (high - low) * part
            values[name] = round(value, 6)
        return self.task(split, index, shape=kind, **values)
