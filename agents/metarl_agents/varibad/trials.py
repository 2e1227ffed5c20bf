"""Whole trials as training data of the belief, in arrays of a fixed size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metarl_bench.tasks import SuiteSpec

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class TrialBatch:
    """Some trials; leading axes [steps, trials], and nothing that counts beyond a trial's length.

    Attributes:
        observations: Raw, before the step.
        actions: As executed.
        rewards: Raw, [steps, trials].
        following: Raw observations after the step, before any reset.
        lengths: Steps of each trial.
    """

    observations: Floats
    actions: Floats
    rewards: Floats
    following: Floats
    lengths: NDArray[np.int64]


class TrialArrays:
    """Room for a number of trials.

    An observation that ends a step also begins the next one, but for the borders of episodes. So each trial has one
    stream of observations, with one entry more per episode than it has steps.

    Attributes:
        observations: The streams, float32 [trials, length + episodes, observation].
        actions: As executed, float32 [trials, length, action].
        rewards: Raw, float32 [trials, length].
        episodes: Episode that a step belongs to, uint16 [trials, length].
        lengths: Steps that each trial has, int64 [trials].
    """

    def __init__(self, count: int, suite: SuiteSpec, episodes: int) -> None:
        (observation,), (action,) = suite.observation_space.shape, suite.action_space.shape
        length = episodes * suite.horizon
        self.observations = np.zeros((count, length + episodes, observation), np.float32)
        self.actions = np.zeros((count, length, action), np.float32)
        self.rewards = np.zeros((count, length), np.float32)
        self.episodes = np.zeros((count, length), np.uint16)
        self.lengths = np.zeros(count, np.int64)

    def batch(self, rows: NDArray[np.integer[Any]]) -> TrialBatch:
        """Returns copies of some trials."""
        lengths = self.lengths[rows]
        steps = np.arange(lengths.max())[:, None]
        before = steps + self.episodes[rows, : len(steps)].T
        return TrialBatch(
            observations=self.observations[rows, before],
            actions=self.actions[rows, steps],
            rewards=self.rewards[rows, steps],
            following=self.observations[rows, before + 1],
            lengths=lengths,
        )


class OpenTrials(TrialArrays):
    """The trials that a batch of worlds is in the middle of."""

    def __init__(self, count: int, suite: SuiteSpec, episodes: int) -> None:
        super().__init__(count, suite, episodes)
        self._worlds = np.arange(count)
        self._episode = np.zeros(count, np.int64)

    def add(
        self,
        observations: Floats,
        actions: NDArray[np.floating[Any]],
        rewards: NDArray[np.float64],
        following: Floats,
        *,
        episode_ends: NDArray[np.bool_],
    ) -> None:
        """Takes in one step of every world."""
        worlds, step = self._worlds, self.lengths
        self.observations[worlds, step + self._episode] = observations
        self.observations[worlds, step + self._episode + 1] = following
        self.actions[worlds, step] = actions
        self.rewards[worlds, step] = rewards
        self.episodes[worlds, step] = self._episode
        self.lengths += 1
        self._episode += episode_ends

    def clear(self, worlds: NDArray[np.bool_]) -> None:
        """Begins new trials in some worlds."""
        self.lengths[worlds] = 0
        self._episode[worlds] = 0


class TrialBuffer(TrialArrays):
    """The newest trials; the oldest make room for new ones.

    Attributes:
        filled: Trials that it holds.
    """

    def __init__(self, capacity: int, suite: SuiteSpec, episodes: int) -> None:
        super().__init__(capacity, suite, episodes)
        self.filled = 0
        self._next = 0

    def add(self, trials: OpenTrials, worlds: NDArray[np.bool_]) -> None:
        """Copies the trials of some worlds."""
        rows = np.flatnonzero(worlds)[-len(self.lengths) :]
        places = (self._next + np.arange(len(rows))) % len(self.lengths)
        for name, array in _arrays(self).items():
            array[places] = _arrays(trials)[name][rows]
        self._next = int(self._next + len(rows)) % len(self.lengths)
        self.filled = min(self.filled + len(rows), len(self.lengths))

    def sample(self, count: int, rng: np.random.Generator) -> TrialBatch:
        """Returns trials drawn with replacement."""
        return self.batch(rng.integers(self.filled, size=count))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Returns the whole state, without the room that was never used."""
        held = {name: array[: self.filled] for name, array in _arrays(self).items()}
        return held | {"next": np.array([self._next])}

    def set_arrays(self, arrays: dict[str, NDArray[Any]]) -> None:
        """Takes over what ``arrays`` returned."""
        self.filled = len(arrays["lengths"])
        self._next = int(arrays["next"][0])
        for name, array in _arrays(self).items():
            array[: self.filled] = arrays[name]


def _arrays(trials: TrialArrays) -> dict[str, NDArray[Any]]:
    names = ("observations", "actions", "rewards", "episodes", "lengths")
    return {name: getattr(trials, name) for name in names}
