"""The task distribution of the suite of objects, and its frozen lists."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from typing_extensions import override

from metarl_bench.tasks import Split, Suite, Task
from metarl_suites.frozen import spread
from metarl_suites.manipulation.suite import require_meta_world
from metarl_suites.manipulation.things import HELD_OUT, RANGES, TRAINED

if TYPE_CHECKING:
    from metarl_suites.manipulation.object_worlds import ObjectWorlds

NUM_FROZEN = 30
# Where each frozen list begins in the sequence below, and how far apart shapes are, so that no two tasks are alike.
_BEGIN = {"test": 0, "validation": 1000, "test_ood": 2000}
_APART = 100


@dataclass(frozen=True, kw_only=True)
class ObjectSuite(Suite):
    """Objects of all trained shapes, equally often; held out: the other shapes."""

    def __post_init__(self) -> None:
        require_meta_world(self.spec)

    @override
    def sample_tasks(self, count: int, rng: np.random.Generator) -> list[Task]:
        shapes = rng.integers(len(TRAINED), size=count)
        draws = rng.uniform(size=(count, len(RANGES)))
        return [
            self._object("train", index, TRAINED[shape], draw)
            for index, (shape, draw) in enumerate(zip(shapes, draws, strict=True))
        ]

    @override
    def tasks(self, split: Split) -> tuple[Task, ...]:
        self.check_split(split)
        shapes = HELD_OUT if split == "test_ood" else TRAINED
        # The shapes take turns, so that a part of the list has all of them, too.
        places = [divmod(index, len(shapes)) for index in range(NUM_FROZEN)]
        return tuple(
            self._object(split, index, shapes[shape], spread(_BEGIN[split] + _APART * shape + turn, len(RANGES)))
            for index, (turn, shape) in enumerate(places)
        )

    @override
    def make_worlds(self, num_worlds: int, *, num_threads: int = 0) -> ObjectWorlds:
        from metarl_suites.manipulation.object_worlds import ObjectWorlds

        return ObjectWorlds(self.spec, num_worlds, num_threads=num_threads)

    def _object(self, split: Split, index: int, shape: str, place: Sequence[float]) -> Task:
        """Returns the task at a place [4] of the unit cube over the ranges."""
        values = {}
        for (name, (low, high)), part in zip(RANGES.items(), place, strict=True):
            # Masses evenly in their logarithm; rounded, because the last bit of a power may differ between machines.
            value = low * math.pow(high / low, part) if name == "mass" else low + (high - low) * part
            values[name] = round(float(value), 6)
        return self.task(split, index, shape=shape, **values)
