"""The only door to training: worlds whose every step is counted, and tasks whose parameters stay hidden.

Guards against accidents, not malice: rules and re-runs cover the rest.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metarl_bench import seeding
from metarl_bench.agents import Division, TrialShape
from metarl_bench.errors import BudgetExceeded, SplitViolation
from metarl_bench.seeding import Key
from metarl_bench.tasks import Suite, SuiteSpec, Task
from metarl_bench.worlds import Bools, Floats, Worlds

# What the contract of Worlds asks for. A suite may tell more, such as its goal, which no agent must see.
RESET_INFOS = ("success",)
STEP_INFOS = ("success", "active", "clipped", "invalid")


@dataclass(frozen=True, slots=True)
class TaskHandle:
    """A training task without its parameters; equal ids mean the same task, across save points too."""

    id: int
    ground: int


class TrainingGround:
    """Metered access to the training distribution of one suite for one cell.

    Attributes:
        steps: Environment steps taken so far, over all worlds and all segments.
        budget: Steps of the whole meta-training.
        until: Steps at which the current segment ends; a batched step that would pass it raises.
        trial: The shape of the meta-test's trials.
        suite: What the suite declares about itself.
    """

    def __init__(
        self,
        suite: Suite,
        *,
        trial: TrialShape,
        budget: int,
        until: int,
        key: Sequence[Key],
        segment: int,
        steps: int = 0,
        issued: int = 0,
        division: Division = "standard",
        num_threads: int = 0,
        on_steps: Callable[[int], None] = lambda steps: None,
    ) -> None:
        self._suite = suite
        self.suite: SuiteSpec = suite.spec
        self.trial = trial
        self.budget = budget
        self.until = min(until, budget)
        self.steps = steps
        self.issued = issued
        self.division: Division = division
        self._key = tuple(key)
        self._segment = segment
        self._batches = 0
        self._open: weakref.WeakSet[MeteredWorlds] = weakref.WeakSet()
        self._num_threads = num_threads
        self._on_steps = on_steps
        # A fingerprint of the cell, so that handles of another ground are refused.
        self._token = seeding.world_seed(*self._key, "ground")

    def sample_tasks(self, count: int) -> list[TaskHandle]:
        """Returns handles of tasks drawn from the training distribution."""
        handles = [self.handle(self.issued + i) for i in range(count)]
        self.issued += count
        if self.suite.finite_tasks is None:
            return handles
        # Finite distributions: the handle names the task, not the draw, so that per-task buffers can be shared.
        return [self.handle(self._finite_index(handle.id)) for handle in handles]

    def handle(self, task_id: int) -> TaskHandle:
        """Returns the handle of an id that this cell issued before, e.g. before a save point."""
        return TaskHandle(task_id, self._token)

    def make_worlds(self, num_worlds: int) -> MeteredWorlds:
        """Returns metered worlds; all batches of a ground draw on one budget."""
        worlds = self._suite.make_worlds(num_worlds, num_threads=self._num_threads)
        seed = seeding.world_seed(*self._key, "worlds", self._segment, self._batches)
        self._batches += 1
        metered = MeteredWorlds(self, worlds, seed)
        self._open.add(metered)
        return metered

    def has_room(self, steps: int, until: int) -> bool:
        """Returns whether one more iteration fits; to be asked before each of them.

        Args:
            steps: That an iteration takes, over all worlds.
            until: As ``meta_train`` got it.

        Raises:
            BudgetExceeded: If the whole budget has no room for one: training would end before it began.
        """
        if steps > self.budget:
            raise BudgetExceeded(
                f"An iteration takes {steps:,} steps, and the whole budget is {self.budget:,}: nothing would be "
                "learned. Give the agent fewer worlds, or fewer steps of each."
            )
        return self.steps + steps <= until

    def close(self) -> None:
        """Ends the segment: closes all worlds that are still there."""
        for worlds in list(self._open):
            worlds.close()

    def __deepcopy__(self, memo: dict[int, Any]) -> TrainingGround:
        """Raises: steps of a copy would not be counted."""
        raise SplitViolation("The training ground cannot be copied: steps of the copy would not be counted.")

    def _finite_index(self, draw: int) -> int:
        (drawn,) = self._suite.sample_tasks(1, seeding.generator(*self._key, "task", draw))
        return drawn.index

    def _resolve(self, handle: object) -> Task:
        """Returns the task behind a handle of this ground."""
        if isinstance(handle, Task):
            raise SplitViolation(
                f"Training got a {handle.split} task with its parameters; expected a handle from ground.sample_tasks."
            )
        if not isinstance(handle, TaskHandle) or handle.ground != self._token:
            got = "a handle of another ground" if isinstance(handle, TaskHandle) else type(handle).__name__
            raise SplitViolation(f"Training got {got}; expected a handle from this ground's sample_tasks.")
        finite = self.suite.finite_tasks
        known = self.issued if finite is None else finite
        if not 0 <= handle.id < known:
            raise SplitViolation(f"Task {handle.id} was never issued; expected an id in 0..{known - 1}.")
        if finite is not None:
            return self._suite.tasks("train")[handle.id]
        (task,) = self._suite.sample_tasks(1, seeding.generator(*self._key, "task", handle.id))
        return task

    def _admit(self, count: int) -> None:
        """Refuses a step of some worlds that would pass the segment's end."""
        if self.steps + count > self.until:
            end = f"the budget of {self.budget}" if self.until == self.budget else f"this segment's end, {self.until}"
            raise BudgetExceeded(
                f"A step of {count} worlds after {self.steps} steps would pass {end}; it was not executed. "
                "Return from meta_train before the end, or use fewer worlds."
            )

    def _count(self, count: int) -> None:
        """Counts steps that were executed."""
        self.steps += count
        self._on_steps(self.steps)


class MeteredWorlds(Worlds):
    """Training worlds: as ``Worlds``, but they take handles, meter every step and give nothing else away."""

    def __init__(self, ground: TrainingGround, worlds: Worlds, seed: int) -> None:
        super().__init__(worlds.suite, worlds.num_envs)
        self.__ground = ground
        self.__worlds = worlds
        # An agent that drops its worlds without a word has them closed, too.
        self.__finish = weakref.finalize(self, worlds.close)
        words = np.random.SeedSequence(seed).generate_state(worlds.num_envs, np.uint64) >> np.uint64(1)
        # Each world's seed until its first reset, then None: it goes on with its own stream.
        self.__seeds: list[int | None] = [int(word) for word in words]
        self.__running = np.zeros(worlds.num_envs, np.bool_)

    def set_tasks(self, tasks: Sequence[Any], mask: Bools | None = None) -> None:
        """Gives tasks to the worlds in the mask, by their handles."""
        self.__worlds.set_tasks([self.__ground._resolve(handle) for handle in tasks], mask)

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Begins an episode; seeds come from the cell's seed tree, so ``seed`` must be None."""
        if seed is not None:
            raise SplitViolation("reset got a seed; training worlds are seeded by the cell, so leave it out.")
        observations, infos = self.__worlds.reset(seed=self.__seeds, options=options)
        mask = (options or {}).get("reset_mask")
        for world in range(self.num_envs) if mask is None else np.flatnonzero(mask):
            self.__running[world] = True
            self.__seeds[world] = None
        return observations, {name: infos[name] for name in RESET_INFOS}

    def step(self, actions: Floats) -> tuple[NDArray[np.float32], NDArray[np.float64], Bools, Bools, dict[str, Any]]:
        """Steps every running world, if the budget allows it.

        Raises:
            BudgetExceeded: If the step would pass the segment's end; no world has moved.
        """
        running = int(np.count_nonzero(self.__running))
        self.__ground._admit(running)
        observations, rewards, terminated, truncated, infos = self.__worlds.step(actions)
        self.__ground._count(running)
        np.logical_not(terminated | truncated, out=self.__running)
        return observations, rewards, terminated, truncated, {name: infos[name] for name in STEP_INFOS}

    def close_extras(self, **kwargs: Any) -> None:
        """Ends the worlds' threads."""
        self.__finish()

    def privileged_parameters(self) -> NDArray[np.float64]:
        """Returns the task parameters, in the privileged division only."""
        if self.__ground.division != "privileged":
            raise SplitViolation(
                "privileged_parameters was called by an agent of the standard division; "
                'declare division="privileged" in its AgentSpec.'
            )
        return self.__worlds.privileged_parameters()

    def snapshot(self) -> dict[str, NDArray[Any]]:
        """Raises: a snapshot would hold the task parameters."""
        raise SplitViolation("snapshot is not available in training: it would reveal the task parameters.")

    def restore(self, snapshot: Mapping[str, NDArray[Any]]) -> None:
        """Raises: restoring would rewind the simulator."""
        raise SplitViolation("restore is not available in training: it would rewind the simulator.")

    def __deepcopy__(self, memo: dict[int, Any]) -> MeteredWorlds:
        """Raises: steps of a copy would not be counted."""
        raise SplitViolation("Training worlds cannot be copied: steps of the copy would not be counted.")
