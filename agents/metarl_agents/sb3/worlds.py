"""Metered worlds as stable-baselines3 sees them: a ``VecEnv`` whose worlds begin their next episode by themselves."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv
from typing_extensions import override

from metarl_bench.errors import ContractError
from metarl_bench.metering import MeteredWorlds, TrainingGround
from metarl_bench.tasks import SuiteSpec

Step = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_], list[dict[str, Any]]]


class GroundVecEnv(VecEnv):
    """The worlds of a training ground; every episode has a newly drawn task.

    An algorithm keeps it for the whole training, though each segment has worlds of its own: ``open`` brings them.
    """

    def __init__(self, suite: SuiteSpec, num_worlds: int) -> None:
        # Copies, since algorithms seed the spaces that they are given.
        spaces = copy.deepcopy((suite.observation_space, suite.action_space))
        super().__init__(num_worlds, *spaces)
        self._ground: TrainingGround | None = None
        self._worlds: MeteredWorlds | None = None
        self._actions = np.zeros((num_worlds, *suite.action_space.shape))
        self._returns = np.zeros(num_worlds)
        self._lengths = np.zeros(num_worlds, np.int64)

    def open(self, ground: TrainingGround) -> None:
        """Takes worlds of a ground, which must be reset before they are stepped."""
        self._ground, self._worlds = ground, ground.make_worlds(self.num_envs)

    @override
    def reset(self) -> NDArray[np.float32]:
        return self._begin(np.ones(self.num_envs, np.bool_))

    @override
    def step_async(self, actions: NDArray[Any]) -> None:
        self._actions = actions

    @override
    def step_wait(self) -> Step:
        _, worlds = self._opened()
        following, rewards, terminated, truncated, _ = worlds.step(self._actions)
        self._returns += rewards
        self._lengths += 1
        ended = terminated | truncated
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        for world in np.flatnonzero(ended):
            infos[world] = {
                "terminal_observation": following[world],
                "TimeLimit.truncated": bool(truncated[world] and not terminated[world]),
                "episode": {"r": float(self._returns[world]), "l": int(self._lengths[world])},
            }
        observations = self._begin(ended) if ended.any() else following
        return observations, rewards.astype(np.float32), ended, infos

    @override
    def close(self) -> None:
        """Does nothing: the ground's worlds hold nothing that must be given back."""

    @override
    def get_attr(self, attr_name: str, indices: int | Iterable[int] | None = None) -> list[Any]:
        """Returns an attribute of the whole batch, once for each world asked for."""
        return [getattr(self, attr_name, None)] * len(list(self._get_indices(indices)))

    @override
    def set_attr(self, attr_name: str, value: Any, indices: int | Iterable[int] | None = None) -> None:
        raise ContractError(f"set_attr got {attr_name!r}; worlds of a training ground cannot be changed.")

    @override
    def env_method(
        self, method_name: str, *method_args: Any, indices: int | Iterable[int] | None = None, **method_kwargs: Any
    ) -> list[Any]:
        raise ContractError(f"env_method got {method_name!r}; worlds of a training ground are stepped and reset only.")

    @override
    def env_is_wrapped(self, wrapper_class: type[Any], indices: int | Iterable[int] | None = None) -> list[bool]:
        return [False] * len(list(self._get_indices(indices)))

    @override
    def seed(self, seed: int | None = None) -> Sequence[int | None]:
        """Does nothing: training worlds are seeded by the cell."""
        return [None] * self.num_envs

    def _begin(self, mask: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Begins an episode of a new task in some worlds; returns the observations of all."""
        ground, worlds = self._opened()
        worlds.set_tasks(ground.sample_tasks(int(mask.sum())), mask)
        self._returns[mask] = 0.0
        self._lengths[mask] = 0
        observations, _ = worlds.reset(options={"reset_mask": mask})
        return observations

    def _opened(self) -> tuple[TrainingGround, MeteredWorlds]:
        if self._ground is None or self._worlds is None:
            raise ContractError("There are no worlds outside training; leave stepping to the harness.")
        return self._ground, self._worlds
