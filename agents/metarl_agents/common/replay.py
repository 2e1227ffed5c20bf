"""Transitions of many training tasks, in one preallocated array."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from metarl_bench.tasks import SuiteSpec

Floats = NDArray[np.float32]
Ints = NDArray[np.intp]


@dataclass(frozen=True)
class Columns:
    """Where the parts of a stored transition lie: [observation | action | reward | next observation | terminated]."""

    observation: slice
    action: slice
    reward: int
    following: slice
    terminated: int
    width: int

    @classmethod
    def of(cls, suite: SuiteSpec) -> Columns:
        """Returns the columns of a suite's transitions."""
        (observed,), (acted,) = suite.observation_space.shape, suite.action_space.shape
        reward = observed + acted
        return cls(
            observation=slice(0, observed),
            action=slice(observed, reward),
            reward=reward,
            following=slice(reward + 1, reward + 1 + observed),
            terminated=reward + 1 + observed,
            width=reward + 2 + observed,
        )


class TaskReplay:
    """The newest transitions of each task.

    Attributes:
        columns: What a row holds.
        sizes: Rows held, by task [tasks].
    """

    def __init__(self, num_tasks: int, capacity: int, columns: Columns) -> None:
        """Makes an empty store.

        Args:
            num_tasks: Tasks.
            capacity: Rows kept of each task; older ones are overwritten.
            columns: What a row holds.
        """
        self.columns = columns
        self._rows = torch.zeros((num_tasks, capacity, columns.width))
        self.sizes = np.zeros(num_tasks, np.intp)
        self._next = np.zeros(num_tasks, np.intp)
        self._newest = np.zeros(num_tasks, np.intp)

    def begin_collection(self, tasks: Ints) -> None:
        """Says that what is added next to these tasks is a collection of its own (see ``sample_newest``)."""
        self._newest[tasks] = 0

    def add(self, task: int, rows: Floats) -> None:
        """Adds transitions [rows, width] of one task; of more than the capacity the last are kept."""
        capacity = self._rows.shape[1]
        kept = rows[-capacity:]
        places = (self._next[task] + np.arange(len(kept))) % capacity
        self._rows[task, torch.from_numpy(places)] = torch.from_numpy(np.ascontiguousarray(kept))
        self._next[task] = (self._next[task] + len(kept)) % capacity
        self.sizes[task] = min(self.sizes[task] + len(kept), capacity)
        self._newest[task] = min(self._newest[task] + len(kept), capacity)

    def sample(self, tasks: Ints, count: int, rng: np.random.Generator) -> Tensor:
        """Returns rows drawn uniformly, with replacement, from everything held [tasks, count, width]."""
        return self._draw(tasks, count, self.sizes, rng)

    def sample_newest(self, tasks: Ints, count: int, rng: np.random.Generator) -> Tensor:
        """Returns rows drawn from each task's newest collection [tasks, count, width].

        Contexts come from there, so that in training they look as they will in a trial.
        """
        return self._draw(tasks, count, self._newest, rng)

    def _draw(self, tasks: Ints, count: int, ages: Ints, rng: np.random.Generator) -> Tensor:
        back = 1 + (rng.random((len(tasks), count)) * ages[tasks, None]).astype(np.intp)
        capacity = self._rows.shape[1]
        places = tasks[:, None] * capacity + (self._next[tasks, None] - back) % capacity
        return self._rows.view(-1, self.columns.width)[torch.from_numpy(places)]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Returns the whole state, without the rows that hold nothing yet."""
        filled = int(self.sizes.max(initial=0))
        return {
            "rows": self._rows[:, :filled].numpy(),
            "sizes": self.sizes,
            "next": self._next,
            "newest": self._newest,
        }

    def set_arrays(self, arrays: dict[str, NDArray[Any]]) -> None:
        """Takes over what ``arrays`` returned."""
        rows = torch.from_numpy(arrays["rows"].copy())
        self._rows.zero_()
        self._rows[:, : rows.shape[1]] = rows
        self.sizes, self._next = arrays["sizes"].copy(), arrays["next"].copy()
        self._newest = arrays["newest"].copy()
