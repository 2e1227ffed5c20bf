"""Both ways between suites and Gymnasium.

``import metarl_bench.gym`` registers every suite, so that ``gymnasium.make_vec("metarl-bench/locomotion-...-v1")``
gives its worlds; ``gymnasium.make_vec("metarl_bench.gym:metarl-bench/...")`` does both at once. ``EnvWorlds`` makes
worlds of any ``gymnasium.Env`` whose task can be set.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, SupportsFloat

import gymnasium
import numpy as np
from gymnasium.vector import VectorWrapper
from numpy.typing import NDArray
from typing_extensions import override

from metarl_bench import seeding
from metarl_bench.errors import ContractError
from metarl_bench.registry import SUITES, make_suite
from metarl_bench.tasks import SuiteSpec, Task
from metarl_bench.worlds import BatchedWorlds, Outcome, WorldIndex

NAMESPACE = "metarl-bench"


def gym_id(suite_id: str) -> str:
    """Returns Gymnasium's name of a suite, which knows no second slash."""
    return f"{NAMESPACE}/{suite_id.replace('/', '-')}"


def register_suites() -> None:
    """Registers every known suite with Gymnasium; suites that are there already are left alone."""
    for spec in SUITES.all():
        if gym_id(spec.id) not in gymnasium.registry:
            gymnasium.register(
                gym_id(spec.id), vector_entry_point="metarl_bench.gym:SampledWorlds", kwargs={"suite_id": spec.id}
            )


class SampledWorlds(VectorWrapper):
    """Worlds of a suite that get new training tasks whenever they are reset.

    Ended worlds stay frozen until they are reset (``options={"reset_mask": ...}``), as in every ``Worlds``.
    """

    def __init__(self, num_envs: int = 1, *, suite_id: str, num_threads: int = 0) -> None:
        self._suite = make_suite(suite_id)
        self._worlds = self._suite.make_worlds(num_envs, num_threads=num_threads)
        super().__init__(self._worlds)
        self._rng = np.random.default_rng()

    @override
    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        if seed is not None:
            seeds = int(seed) if isinstance(seed, (int, np.integer)) else [s if s is None else int(s) for s in seed]
            self._rng = seeding.generator("gymnasium tasks", self._suite.spec.id, json.dumps(seeds))
        mask = (options or {}).get("reset_mask")
        count = self.num_envs if mask is None else int(np.count_nonzero(mask))
        self._worlds.set_tasks(self._suite.sample_tasks(count, self._rng), mask)
        return self._worlds.reset(seed=seed, options=options)


class EnvWorlds(BatchedWorlds):
    """Worlds made of separate Gymnasium environments, for code that exists already; slow, but exact.

    A Gymnasium environment cannot be copied in the middle of an episode, so ``restore`` replays the episode from its
    reset. That needs ``reset(seed=...)`` to determine the whole episode; a replay that ends elsewhere raises.
    """

    def __init__(
        self,
        suite: SuiteSpec,
        num_worlds: int,
        *,
        make_env: Callable[[], gymnasium.Env[Any, Any]],
        set_task: Callable[[gymnasium.Env[Any, Any], Task], None],
    ) -> None:
        """Makes the environments.

        Args:
            suite: What the environments implement; its horizon ends episodes, so leave out time limits.
            num_worlds: Number of environments.
            make_env: Makes one environment.
            set_task: Gives a task to an environment, which takes effect at its next reset.
        """
        super().__init__(suite, num_worlds)
        self._envs = [make_env() for _ in range(num_worlds)]
        self._set_task = set_task
        self._observations = np.zeros((num_worlds, *suite.observation_space.shape), np.float32)
        self._reset_seeds = np.zeros(num_worlds, np.int64)
        self._actions = np.zeros((num_worlds, suite.horizon, *suite.action_space.shape))

    @override
    def restore(self, snapshot: Mapping[str, NDArray[Any]]) -> None:
        super().restore(snapshot)
        for world in map(int, np.flatnonzero(self._begun)):
            observation, _ = self._envs[world].reset(seed=int(self._reset_seeds[world]))
            for action in self._actions[world, : self._elapsed[world]]:
                observation = self._step_env(world, action)[0]
            if not np.array_equal(np.asarray(observation, np.float32), self._observations[world], equal_nan=True):
                raise ContractError(
                    f"World {world} of {self.suite.id} ends elsewhere when its episode is replayed; expected an "
                    "environment whose reset(seed=...) determines the episode. Draw all its randomness from np_random."
                )

    @override
    def close(self, **kwargs: Any) -> None:
        for env in self._envs:
            env.close()

    @override
    def _assign(self, worlds: NDArray[np.intp], tasks: Sequence[Task]) -> None:
        for world, task in zip(worlds, tasks, strict=True):
            self._set_task(self._envs[world], task)

    @override
    def _begin(self, worlds: NDArray[np.intp], rngs: Sequence[np.random.Generator]) -> None:
        for world, rng in zip(worlds, rngs, strict=True):
            self._reset_seeds[world] = rng.integers(2**31)
            self._observations[world], _ = self._envs[world].reset(seed=int(self._reset_seeds[world]))

    @override
    def _advance(self, worlds: WorldIndex, actions: NDArray[np.float64]) -> Outcome:
        stepped = np.arange(self.num_envs)[worlds].tolist()
        rewards = np.zeros(len(stepped))
        terminated, success, invalid = (np.zeros(len(stepped), np.bool_) for _ in range(3))
        for row, world in enumerate(stepped):
            self._actions[world, self._elapsed[world]] = actions[row]
            observation, reward, terminated[row], truncated, info = self._step_env(world, actions[row])
            reward = float(reward)
            if truncated and self._elapsed[world] + 1 < self.suite.horizon:
                raise ContractError(
                    f"World {world} of {self.suite.id} was truncated after {self._elapsed[world] + 1} steps; expected "
                    f"episodes of {self.suite.horizon}. Set the suite's horizon to the environment's time limit."
                )
            invalid[row] = not (np.isfinite(reward) and np.isfinite(observation).all())
            rewards[row] = 0.0 if invalid[row] else reward
            success[row] = bool(info.get("success", False))
            self._observations[world] = observation
        return Outcome(rewards, terminated, success, invalid)

    def _step_env(
        self, world: int, action: NDArray[np.float64]
    ) -> tuple[Any, SupportsFloat, bool, bool, dict[str, Any]]:
        """Steps one environment, with the same cast when playing and when replaying."""
        return self._envs[world].step(action.astype(self.single_action_space.dtype))

    @override
    def _observe(self) -> NDArray[np.float32]:
        return self._observations.copy()

    @override
    def _state(self) -> dict[str, NDArray[Any]]:
        return {"observations": self._observations, "reset_seeds": self._reset_seeds, "actions": self._actions}


register_suites()
