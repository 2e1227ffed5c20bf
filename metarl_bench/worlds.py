"""The contract of simulation: a batch of worlds that behaves like a Gymnasium vector environment.

``Worlds`` does the bookkeeping that every suite needs (masks, frozen worlds, horizons, seeds, snapshots); a suite fills
in five small methods. The leading axis of every array is the world.
"""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray
from typing_extensions import override

from metarl_bench import seeding
from metarl_bench.errors import ContractError
from metarl_bench.tasks import SuiteSpec, Task

WorldIndex = slice | NDArray[np.intp]
Floats = NDArray[np.floating[Any]]
Bools = NDArray[np.bool_]


class Outcome(NamedTuple):
    """What one step did to the worlds that were stepped; every array has their number as its length."""

    rewards: NDArray[np.float64]
    terminated: Bools
    success: Bools
    invalid: Bools  # the simulator gave up (NaN, divergence): the episode ends as failed


class Worlds(gymnasium.vector.VectorEnv[Any, Any, Any]):
    """A batch of running copies of one suite's environment, each with its own task.

    A world whose episode has ended stays frozen (same observation and flags, reward 0, not stepped) until it is reset.
    Out-of-range actions are clipped; NaN and infinite ones raise before any world moves.
    """

    metadata = {"autoreset_mode": AutoresetMode.DISABLED}  # noqa: RUF012 - an instance variable to Gymnasium
    suite: SuiteSpec

    def __init__(self, suite: SuiteSpec, num_worlds: int) -> None:
        if num_worlds < 1:
            raise ContractError(f"num_worlds is {num_worlds}; expected at least 1.")
        self.suite = suite
        self.num_envs = num_worlds
        self.single_observation_space = suite.observation_space
        self.single_action_space = suite.action_space
        self.observation_space = batch_space(suite.observation_space, num_worlds)
        self.action_space = batch_space(suite.action_space, num_worlds)

    @abstractmethod
    def set_tasks(self, tasks: Sequence[Any], mask: Bools | None = None) -> None:
        """Gives tasks to the worlds in the mask, which must be reset before they are stepped again.

        Args:
            tasks: One task per world in the mask, in the order of the worlds (in training: one handle).
            mask: Boolean [num_worlds]; all worlds where None.
        """

    @abstractmethod
    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Begins an episode in the worlds of ``options["reset_mask"]`` (all where absent).

        Args:
            seed: One seed per world (entries outside the mask are ignored; None goes on with that world's stream), or
                one for all (world i gets seed + i), or None to go on with each world's own stream.
            options: ``reset_mask``: boolean [num_worlds].

        Returns:
            Observations float32 [num_worlds, observation], and infos with ``success``.
        """

    @abstractmethod
    def step(self, actions: Floats) -> tuple[NDArray[np.float32], NDArray[np.float64], Bools, Bools, dict[str, Any]]:
        """Steps every world whose episode runs.

        Args:
            actions: [num_worlds, action]; clipped to the action space.

        Returns:
            Observations float32, rewards float64, terminated, truncated, and infos with boolean arrays: ``active``
            (stepped now), ``success`` (of this step), ``clipped`` and ``invalid`` (the simulator gave up).
        """

    @abstractmethod
    def snapshot(self) -> dict[str, NDArray[Any]]:
        """Returns copies of everything that, with the tasks, continues the worlds bit-exactly in any process."""

    @abstractmethod
    def restore(self, snapshot: Mapping[str, NDArray[Any]]) -> None:
        """Continues from a snapshot of worlds that had the same tasks.

        Raises:
            ContractError: If names, shapes, types or tasks differ.
        """

    @abstractmethod
    def privileged_parameters(self) -> NDArray[np.float64]:
        """Returns the task parameters [num_worlds, privileged_width]; training gives them to privileged agents only."""

    def scene(self, world: int) -> tuple[Any, Any]:
        """Returns what a picture of a world is drawn from.

        Films use the model's camera ``track``, contact sheets ``overview``, where it has them.

        Args:
            world: Which.

        Returns:
            Its ``mujoco.MjModel``, and an ``mujoco.MjData`` in its state of now, good until the next call.

        Raises:
            ContractError: If the suite cannot be drawn.
        """
        raise ContractError(f"{self.suite.id} cannot be drawn; its {type(self).__name__} have no method scene.")


class BatchedWorlds(Worlds):
    """The bookkeeping that every suite needs: masks, frozen worlds, horizons, seeds and snapshots.

    A suite fills in ``_assign``, ``_begin``, ``_advance``, ``_observe`` and ``_state``.
    """

    def __init__(self, suite: SuiteSpec, num_worlds: int) -> None:
        super().__init__(suite, num_worlds)
        self._low, self._high = _bound(suite.action_space.low), _bound(suite.action_space.high)
        self._tasks: list[Task | None] = [None] * num_worlds
        self._seeds = np.zeros(num_worlds, np.int64)
        self._seeded = np.zeros(num_worlds, np.bool_)
        self._episodes = np.zeros(num_worlds, np.int64)
        self._elapsed = np.zeros(num_worlds, np.int64)
        self._begun = np.zeros(num_worlds, np.bool_)
        self._terminated = np.zeros(num_worlds, np.bool_)
        self._truncated = np.zeros(num_worlds, np.bool_)
        self._success = np.zeros(num_worlds, np.bool_)

    # -- what a suite fills in ---------------------------------------------------------------------------------------

    @abstractmethod
    def _assign(self, worlds: NDArray[np.intp], tasks: Sequence[Task]) -> None:
        """Gives tasks to some worlds."""

    @abstractmethod
    def _begin(self, worlds: NDArray[np.intp], rngs: Sequence[np.random.Generator]) -> None:
        """Puts some worlds into an initial state drawn with their own generators."""

    @abstractmethod
    def _advance(self, worlds: WorldIndex, actions: NDArray[np.float64]) -> Outcome:
        """Steps some worlds with clipped actions [len(worlds), action]."""

    @abstractmethod
    def _observe(self) -> NDArray[np.float32]:
        """Returns a fresh array of the observations of all worlds [num_worlds, observation]."""

    @abstractmethod
    def _state(self) -> dict[str, NDArray[Any]]:
        """Returns the live arrays [num_worlds, ...] that, with the tasks, are the suite's whole state."""

    # -- tasks -------------------------------------------------------------------------------------------------------

    @override
    def set_tasks(self, tasks: Sequence[Any], mask: Bools | None = None) -> None:
        worlds = self._masked(mask)
        if len(tasks) != len(worlds):
            raise ContractError(f"set_tasks got {len(tasks)} tasks for {len(worlds)} worlds; expected one per world.")
        for task in tasks:
            if not isinstance(task, Task) or task.suite != self.suite.id:
                got = f"a task of {task.suite}" if isinstance(task, Task) else type(task).__name__
                raise ContractError(f"set_tasks got {got}; expected tasks of {self.suite.id}.")
        for world, task in zip(worlds, tasks, strict=True):
            self._tasks[world] = task
        self._begun[worlds] = False
        self._assign(worlds, tasks)

    @override
    def privileged_parameters(self) -> NDArray[np.float64]:
        return np.stack([self.suite.encode(self._task(world)) for world in range(self.num_envs)])

    # -- Gymnasium ---------------------------------------------------------------------------------------------------

    @override
    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        worlds = self._masked((options or {}).get("reset_mask"))
        for world in worlds:
            self._task(world)
        self._reseed(worlds, seed)
        rngs = [seeding.episode_generator(int(self._seeds[w]), int(self._episodes[w])) for w in worlds]
        self._begin(worlds, rngs)
        self._elapsed[worlds] = 0
        self._begun[worlds] = True
        for flags in (self._terminated, self._truncated, self._success):
            flags[worlds] = False
        return self._observe(), {"success": self._success.copy()}

    @override
    def step(self, actions: Floats) -> tuple[NDArray[np.float32], NDArray[np.float64], Bools, Bools, dict[str, Any]]:
        actions, clipped = self._checked(actions)
        if not self._begun.all():
            raise ContractError(
                f"step before reset in worlds {np.flatnonzero(~self._begun).tolist()}; call reset after set_tasks."
            )
        active = ~(self._terminated | self._truncated)
        everyone = bool(active.all())
        worlds: WorldIndex = slice(None) if everyone else np.flatnonzero(active)
        rewards = np.zeros(self.num_envs)
        invalid = np.zeros(self.num_envs, np.bool_)
        if active.any():
            outcome = self._advance(worlds, actions[worlds])
            self._elapsed[worlds] += 1
            rewards[worlds] = outcome.rewards
            invalid[worlds] = outcome.invalid
            self._success[worlds] = outcome.success & ~outcome.invalid
            self._terminated[worlds] = outcome.terminated | outcome.invalid
            self._truncated[worlds] = (self._elapsed[worlds] >= self.suite.horizon) & ~self._terminated[worlds]
            if invalid.any():
                # Breaking the simulator costs what the worst behaviour would for the rest of the episode.
                left = self.suite.horizon - self._elapsed[invalid] + 1
                rewards[invalid] = self.suite.failure_return * left / self.suite.horizon
        infos = {"success": self._success.copy(), "active": active, "clipped": clipped & active, "invalid": invalid}
        return self._observe(), rewards, self._terminated.copy(), self._truncated.copy(), infos

    # -- snapshots ---------------------------------------------------------------------------------------------------

    @override
    def snapshot(self) -> dict[str, NDArray[Any]]:
        arrays = {name: array.copy() for name, array in self._all_state().items()}
        arrays["tasks"] = self._task_hashes()
        return arrays

    @override
    def restore(self, snapshot: Mapping[str, NDArray[Any]]) -> None:
        state = self._all_state()
        if set(snapshot) != {*state, "tasks"}:
            raise ContractError(f"The snapshot has arrays {sorted(snapshot)}; expected {sorted([*state, 'tasks'])}.")
        if not np.array_equal(snapshot["tasks"], self._task_hashes()):
            raise ContractError("The snapshot is of other tasks; call set_tasks with its tasks before restore.")
        for name, array in state.items():
            got = snapshot[name]
            if got.shape != array.shape or got.dtype != array.dtype:
                raise ContractError(f"{name} is {got.dtype}{got.shape}; expected {array.dtype}{array.shape}.")
        for name, array in state.items():
            array[...] = snapshot[name]

    # -- helpers -----------------------------------------------------------------------------------------------------

    def _all_state(self) -> dict[str, NDArray[Any]]:
        return self._state() | {
            "_seeds": self._seeds,
            "_seeded": self._seeded,
            "_episodes": self._episodes,
            "_elapsed": self._elapsed,
            "_begun": self._begun,
            "_terminated": self._terminated,
            "_truncated": self._truncated,
            "_success": self._success,
        }

    def _task(self, world: int) -> Task:
        task = self._tasks[world]
        if task is None:
            raise ContractError(f"World {world} has no task; call set_tasks first.")
        return task

    def _task_hashes(self) -> NDArray[np.uint64]:
        digests = [hashlib.sha256(self._task(world).key.encode()).digest()[:8] for world in range(self.num_envs)]
        return np.frombuffer(b"".join(digests), np.uint64).copy()

    def _masked(self, mask: Bools | None) -> NDArray[np.intp]:
        if mask is None:
            return np.arange(self.num_envs)
        mask = np.asarray(mask)
        if mask.shape != (self.num_envs,) or mask.dtype != np.bool_:
            raise ContractError(f"The mask is {mask.dtype}{mask.shape}; expected bool({self.num_envs},).")
        return np.flatnonzero(mask)

    def _reseed(self, worlds: NDArray[np.intp], seed: int | Sequence[int | None] | None) -> None:
        """Moves the worlds on to their next episode, or to the first one of a new seed."""
        if seed is None:
            seed = self._fresh_seeds(worlds)
        elif isinstance(seed, (int, np.integer)):
            seed = [int(seed) + world for world in range(self.num_envs)]
        if len(seed) != self.num_envs:
            raise ContractError(f"reset got {len(seed)} seeds; expected one per world ({self.num_envs}).")
        for world in worlds:
            value = seed[world]
            self._episodes[world] = self._episodes[world] + 1 if value is None else 0
            if value is not None:
                if not 0 <= value < 2**63:
                    raise ContractError(f"reset got the seed {value} for world {world}; expected 0 <= seed < 2**63.")
                self._seeds[world] = value
        self._seeded[worlds] = True

    def _fresh_seeds(self, worlds: NDArray[np.intp]) -> list[int | None]:
        """Draws seeds for those of the worlds that never had one; None stands for all others."""
        seeds: list[int | None] = [None] * self.num_envs
        unseeded = worlds[~self._seeded[worlds]]
        if len(unseeded):  # asking the system takes longer than all the rest of a reset
            entropy = np.random.SeedSequence().generate_state(len(unseeded), np.uint64)
            for world, word in zip(unseeded, entropy, strict=True):
                seeds[world] = int(word >> np.uint64(1))
        return seeds

    def _checked(self, actions: Floats) -> tuple[NDArray[np.float64], Bools]:
        array = np.asarray(actions)
        expected = (self.num_envs, *self.suite.action_space.shape)
        if array.dtype.kind not in "fiu" or array.shape != expected:
            raise ContractError(f"step got actions {array.dtype}{array.shape}; expected numbers of shape {expected}.")
        array = array.astype(np.float64)
        inside = np.minimum(np.maximum(array, self._low), self._high)
        same = inside == array
        if same.all():  # so finite, too
            return inside, np.zeros(self.num_envs, np.bool_)
        if not np.isfinite(array).all():
            bad = np.flatnonzero(~np.isfinite(array).all(axis=1)).tolist()
            raise ContractError(f"step got NaN or infinite actions in worlds {bad}; expected finite numbers.")
        return inside, ~same.all(axis=1)


def _bound(row: NDArray[Any]) -> NDArray[np.float64]:
    """Returns a bound of actions; a number where all are bounded alike: NumPy is several times as fast then."""
    wide = row.astype(np.float64)
    return wide[0] if (wide == wide[0]).all() else wide
