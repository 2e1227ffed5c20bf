"""Which episodes a meta-test plays, with which seeds, and how one of them is summed up.

Shared by the meta-test and by its replay, so that both count alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from metarl_bench import seeding
from metarl_bench.agents import Phase
from metarl_bench.errors import ContractError
from metarl_bench.protocols import ResolvedProtocol
from metarl_bench.tasks import Split, Task
from metarl_bench.worlds import Bools


class Play(NamedTuple):
    """One episode of all worlds of a meta-test; see the columns of ``episodes.parquet``."""

    phase: Phase
    shot: int
    episode: int


class Episode(NamedTuple):
    """One episode of all worlds of a batch; arrays of shape [worlds], ``rewards`` [worlds, horizon]."""

    returns: NDArray[np.float64]
    success: Bools
    success_at_end: Bools
    lengths: NDArray[np.int64]
    failed: Bools
    clipped: NDArray[np.int64]
    rewards: NDArray[np.float64]


def schedule(resolved: ResolvedProtocol) -> list[Play]:
    """Returns the episodes of a meta-test in the order in which they are played."""
    plays = []
    for shot in range(resolved.adaptation_episodes + 1):
        plays += [Play("evaluation", shot, episode) for episode in range(resolved.evaluation_episodes)]
        if shot < resolved.adaptation_episodes:
            plays.append(Play("adaptation", shot, 0))
    return plays


def trial_places(resolved: ResolvedProtocol, split: Split) -> list[tuple[Task, int]]:
    """Returns the task and the trial of each world of a meta-test."""
    trials = range(resolved.trials_per_task(split))
    return [(task, trial) for task in resolved.tasks(split) for trial in trials]


def reset_seeds(resolved: ResolvedProtocol, split: Split, play: Play) -> list[int]:
    """Returns the seed with which each world begins an episode."""
    # No shot in the key of evaluation episodes: the same initial states after every shot make the gain sharper.
    place = (play.phase, play.episode) if play.phase == "evaluation" else (play.phase, play.shot)
    key = (resolved.digest(), "trial", split)
    return [seeding.world_seed(*key, task.index, trial, *place) for task, trial in trial_places(resolved, split)]


class EpisodeLog:
    """Keeps what happens in one episode of a batch; sums it up at the end, since little work a step is cheap.

    Attributes:
        active: Worlds whose episode runs [worlds].
        running: Whether there are any.
        failed: Worlds that the agent failed [worlds].
    """

    def __init__(self, num_worlds: int, horizon: int) -> None:
        self.active = np.ones(num_worlds, np.bool_)
        self.running = True
        self.failed = np.zeros(num_worlds, np.bool_)
        self._time = 0
        self._active = np.zeros((horizon, num_worlds), np.bool_)
        self._flags = {name: np.zeros((horizon, num_worlds), np.bool_) for name in ("success", "clipped", "invalid")}
        self._rewards = np.zeros((horizon, num_worlds))

    def fail(self, worlds: Bools) -> None:
        """Ends the episodes of worlds whose action was no number."""
        self.failed |= self.active & worlds
        self.active &= ~worlds

    def fail_rest(self) -> None:
        """Fails what still runs; every world where nothing does: the agent broke after the last step."""
        self.failed |= self.active if self.running else True

    def add(self, rewards: NDArray[np.float64], infos: Mapping[str, Any], *, ended: Bools) -> None:
        """Takes in one step of the active worlds.

        Raises:
            ContractError: If it is one more than the horizon.
        """
        if self._time == len(self._active):
            raise ContractError(f"Worlds run on after the horizon of {self._time} steps; truncate them.")
        self._active[self._time] = self.active
        self._rewards[self._time] = rewards
        for name, flags in self._flags.items():
            flags[self._time] = infos[name]
        self._time += 1
        self.active &= ~ended
        self.running = bool(self.active.any())

    def result(self, failure_return: float) -> Episode:
        """Returns the episode; failing never pays."""
        rewards = np.ascontiguousarray(np.where(self._active, self._rewards, 0.0).T)
        success, clipped, invalid = ((flags & self._active).sum(axis=0) for flags in self._flags.values())
        lengths = self._active.sum(axis=0)
        # A world without a single step reads a row in which it was not active.
        last = np.maximum(lengths - 1, 0), np.arange(len(lengths))
        failed = self.failed | (invalid > 0)
        return Episode(
            returns=np.where(failed, failure_return, rewards.sum(axis=1)),
            success=(success > 0) & ~failed,
            success_at_end=(self._flags["success"] & self._active)[last] & ~failed,
            lengths=lengths,
            failed=failed,
            clipped=clipped,
            rewards=rewards,
        )
