"""An agent that learns by an algorithm of stable-baselines3 and acts with its policy; it has no memory."""

from __future__ import annotations

import random
import sys
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.type_aliases import TrainFreq, TrainFrequencyUnit
from stable_baselines3.common.utils import set_random_seed
from stable_baselines3.common.vec_env import VecEnv
from typing_extensions import override

from metarl_agents.common import files
from metarl_agents.common.forks import fork_of
from metarl_agents.common.networks import torch_threads
from metarl_agents.sb3.config import Sb3Config
from metarl_agents.sb3.files import acting_groups, learning_groups, set_acting_groups, set_learning_groups
from metarl_agents.sb3.worlds import GroundVecEnv
from metarl_bench.agents import Adaptation, MetaAgent, TrialShape
from metarl_bench.errors import ConfigError
from metarl_bench.metering import TrainingGround
from metarl_bench.tasks import SuiteSpec

WEIGHTS = "weights.safetensors"
TRAINING = "training.safetensors"
SEEDS = 2**31


class Sb3Agent(MetaAgent):
    """Trains an algorithm on whatever tasks the ground draws, a new one for every episode.

    Attributes:
        config: Settings.
        model: The algorithm.
    """

    def __init__(self, suite: SuiteSpec, trial: TrialShape, config: Sb3Config, rng: np.random.Generator) -> None:
        self.config: Any = config
        self._worlds = GroundVecEnv(suite, config.num_worlds)
        with random_numbers_from(rng):
            self.model = self.make_model(self._worlds)
        if self.model.device.type != "cpu":
            raise ConfigError(f'The device is {self.model.device}; expected the processor. Pass device="cpu".')
        # Its own logger would make a folder and lines on the terminal; the harness has a log.
        self.model.set_logger(Logger(folder=None, output_formats=[]))

    @abstractmethod
    def make_model(self, worlds: VecEnv) -> BaseAlgorithm:
        """Returns the algorithm, untrained.

        Args:
            worlds: Its environment, which may be wrapped in ``VecNormalize``. Only in training it can be stepped.
        """

    @override
    def meta_train(self, ground: TrainingGround, *, until: int, rng: np.random.Generator) -> None:
        rollout = rollout_steps(self.model, ground.suite.horizon)
        if not ground.has_room(rollout, until):
            return
        self._worlds.open(ground)
        # Forgets what the last segment's worlds showed, so that ``learn`` begins with a reset.
        self.model._last_obs = self.model.ep_info_buffer = None
        with torch_threads(1), random_numbers_from(rng) as seed, suppress(_SegmentEnds):
            self.model.set_random_seed(seed)
            # The whole budget, since schedules of learning rates count from there.
            self.model.learn(
                ground.budget - ground.steps,
                callback=_StopsInTime(ground, until - rollout),
                log_interval=sys.maxsize,
                reset_num_timesteps=False,
            )

    @override
    def start_trials(
        self, num_worlds: int, *, rng: np.random.Generator, privileged: NDArray[np.float64] | None = None
    ) -> Sb3InTrial:
        return Sb3InTrial(self.model, rng)

    @override
    def save(self, folder: Path) -> None:
        files.save_arrays(folder / WEIGHTS, acting_groups(self.model))

    @override
    def load(self, folder: Path) -> None:
        set_acting_groups(self.model, files.load_arrays(folder / WEIGHTS))

    @override
    def save_training(self, folder: Path) -> None:
        files.save_arrays(folder / TRAINING, learning_groups(self.model))

    @override
    def load_training(self, folder: Path) -> None:
        set_learning_groups(self.model, files.load_arrays(folder / TRAINING))

    @override
    def training_log(self) -> Mapping[str, float]:
        figures = {name.removeprefix("train/"): float(x) for name, x in self.model.logger.name_to_value.items()}
        episodes = self.model.ep_info_buffer or ()
        if episodes:
            figures["return_per_episode"] = float(np.mean([episode["r"] for episode in episodes]))
        return figures


class Sb3InTrial(Adaptation):
    """Acts with the policy, and learns nothing from what comes of it."""

    def __init__(self, model: BaseAlgorithm, rng: np.random.Generator) -> None:
        self._model = model
        self._rng = rng

    @override
    def act(
        self, observations: NDArray[np.float32], *, active: NDArray[np.bool_], explore: bool
    ) -> NDArray[np.floating[Any]]:
        normaliser = self._model.get_vec_normalize_env()
        seen = observations if normaliser is None else normaliser.normalize_obs(observations)
        with torch_threads(1):
            if not explore:
                return self._model.predict(seen, deterministic=True)[0]
            with random_numbers_from(self._rng):
                return self._model.predict(seen)[0]

    @override
    def fork(self) -> Sb3InTrial:
        return fork_of(self)


def rollout_steps(model: BaseAlgorithm, horizon: int) -> int:
    """Returns the environment steps between two looks at whether to go on; the most, where episodes are counted.

    Raises:
        ConfigError: If the algorithm is of a kind that is not known.
    """
    if isinstance(model, OnPolicyAlgorithm):
        return model.n_steps * model.n_envs
    if isinstance(model, OffPolicyAlgorithm) and isinstance(model.train_freq, TrainFreq):
        episodes = model.train_freq.unit == TrainFrequencyUnit.EPISODE
        return model.train_freq.frequency * model.n_envs * (horizon if episodes else 1)
    raise ConfigError(f"{type(model).__name__} is neither an on-policy nor an off-policy algorithm; expected either.")


@contextmanager
def random_numbers_from(rng: np.random.Generator) -> Iterator[int]:
    """Lends the global streams, which stable-baselines3 draws from, a state of its own; yields the seed of it."""
    before = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002 - to put it back
    seed = int(rng.integers(SEEDS))
    try:
        set_random_seed(seed)
        yield seed
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])  # noqa: NPY002
        torch.set_rng_state(before[2])


class _SegmentEnds(Exception):  # noqa: N818 - no error: how ``learn`` is left before a rollout that would not fit
    """The next rollout would pass the segment's end."""


class _StopsInTime(BaseCallback):
    """Leaves ``learn`` before the first rollout that begins after some steps.

    Its own ways out are too late: one checks the steps after a whole rollout, the other one after a step too many.
    """

    def __init__(self, ground: TrainingGround, last_start: int) -> None:
        super().__init__()
        self._ground = ground
        self._last_start = last_start

    @override
    def _on_rollout_start(self) -> None:
        if self._ground.steps > self._last_start:
            raise _SegmentEnds

    @override
    def _on_step(self) -> bool:
        return True
