"""Task distributions that are mixtures of kinds, each with numbers of its own, and their frozen lists."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from typing_extensions import override

from metarl_bench.tasks import Split, Suite, Task
from metarl_suites.frozen import spread

NUM_FROZEN = 30
# Where each frozen list begins in the sequence of points, and how far apart kinds are, so that no two tasks are alike.
_BEGIN = {"test": 0, "validation": 1000, "test_ood": 2000}
_APART = 100


class MixtureSuite(Suite):
    """Tasks of all trained kinds, equally often; held out: other kinds, or other ranges.

    Attributes:
        trained: Kinds of the training distribution, the test and the validation list.
        held_out: Those of the out-of-distribution list.
    """

    trained: ClassVar[tuple[Any, ...]]
    held_out: ClassVar[tuple[Any, ...]]

    @property
    @abstractmethod
    def num_numbers(self) -> int:
        """Numbers of a task, beside its kind."""

    @abstractmethod
    def place(self, split: Split, index: int, kind: Any, point: Sequence[float]) -> Task:
        """Returns the task at a point [num_numbers] of the unit cube over a kind's ranges."""

    @override
    def sample_tasks(self, count: int, rng: np.random.Generator) -> list[Task]:
        kinds = rng.integers(len(self.trained), size=count)
        points = rng.uniform(size=(count, self.num_numbers))
        return [
            self.place("train", index, self.trained[kind], point)
            for index, (kind, point) in enumerate(zip(kinds, points.tolist(), strict=True))
        ]

    @override
    def tasks(self, split: Split) -> tuple[Task, ...]:
        self.check_split(split)
        kinds = self.held_out if split == "test_ood" else self.trained
        # The kinds take turns, so that a part of the list has all of them, too.
        turns = [divmod(index, len(kinds)) for index in range(NUM_FROZEN)]
        return tuple(
            self.place(split, index, kinds[kind], spread(_BEGIN[split] + _APART * kind + turn, self.num_numbers))
            for index, (turn, kind) in enumerate(turns)
        )
