"""An agent that learns an initialisation for one gradient step; MAML and its kin are outer loops for it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from typing_extensions import override

from metarl_agents.common import files
from metarl_agents.common.gradient.collection import play
from metarl_agents.common.gradient.config import GradientConfig
from metarl_agents.common.gradient.episodes import Episodes, TaskBatch
from metarl_agents.common.gradient.in_trial import GradientInTrial
from metarl_agents.common.gradient.inner import adapt
from metarl_agents.common.gradient.policy import GaussianPolicy, for_tasks
from metarl_agents.common.networks import torch_threads
from metarl_agents.common.normalisers import RunningMoments
from metarl_agents.common.stacked import Weights
from metarl_bench.agents import Adaptation, MetaAgent, TrialShape
from metarl_bench.metering import MeteredWorlds, TrainingGround
from metarl_bench.tasks import SuiteSpec

WEIGHTS = "weights.safetensors"


class GradientAgent(MetaAgent):
    """Plays episodes of some tasks before and after an inner step each, and improves what the step starts from.

    Attributes:
        config: Settings.
        policy: The network.
        weights: The initialisation, learned.
        rates: Learning rate of each weight in the inner step.
        moments: Normalise observations.
    """

    config: GradientConfig
    # Whether the outer loop's gradient flows through the inner step's own gradient.
    differentiable: ClassVar[bool] = True

    def __init__(self, suite: SuiteSpec, trial: TrialShape, config: GradientConfig, rng: np.random.Generator) -> None:
        self.config = config
        (observed,), (acted,) = suite.observation_space.shape, suite.action_space.shape
        self._episodes = max(1, trial.adaptation_episodes)
        self.policy = GaussianPolicy(observed, acted, hidden=config.hidden)
        self.moments = RunningMoments(observed)
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        initial = self.policy.initial_weights(generator, log_std=config.initial_log_std)
        self.weights = nn.ParameterDict(initial)
        self.rates = nn.ParameterDict(
            {
                name: nn.Parameter(torch.full_like(w, config.inner_rate), requires_grad=False)
                for name, w in initial.items()
            }
        )
        self._log: dict[str, float] = {}

    @abstractmethod
    def improve(self, before: TaskBatch, after: TaskBatch, returns: NDArray[np.float64]) -> dict[str, float]:
        """Takes an outer step; returns figures for the log.

        Args:
            before: What the initialisation did in each task.
            after: What each task's adapted weights did.
            returns: Of the episodes after the inner step, a mean for each task [tasks].
        """

    def shared(self, tasks: int) -> Weights:
        """Returns the initialisation for each of some tasks, with its graph."""
        return for_tasks(dict(self.weights.items()), tasks)

    def adapted(self, batch: TaskBatch, *, differentiable: bool) -> Weights:
        """Returns each task's weights after the inner step on what the initialisation did in it."""
        shared = self.shared(len(batch.share))
        return adapt(self.policy, shared, dict(self.rates.items()), batch, differentiable=differentiable)

    @override
    def meta_train(self, ground: TrainingGround, *, until: int, rng: np.random.Generator) -> None:
        tasks = max(1, self.config.num_worlds // self._episodes)
        iteration = 2 * tasks * self._episodes * ground.suite.horizon
        if not ground.has_room(iteration, until):
            return
        worlds = ground.make_worlds(tasks * self._episodes)
        while ground.has_room(iteration, until):
            self._iterate(ground, worlds, tasks, rng)

    def _iterate(self, ground: TrainingGround, worlds: MeteredWorlds, tasks: int, rng: np.random.Generator) -> None:
        worlds.set_tasks([task for task in ground.sample_tasks(tasks) for _ in range(self._episodes)])
        threads = self.config.learning_threads
        shared = self.shared(tasks)
        with torch_threads(1):
            first, seen = play(worlds, self.policy, shared, self.moments, rng)
        with torch_threads(threads):
            before = self._batch(first, shared)
            changed = self.adapted(before, differentiable=False)
        with torch_threads(1):
            second, seen_later = play(worlds, self.policy, changed, self.moments, rng)
        with torch_threads(threads):
            figures = self.improve(before, self._batch(second, changed), second.returns)
        self.moments.update(np.concatenate([seen, seen_later]))
        self._log = figures | {
            "return_before": float(first.returns.mean()),
            "return_after": float(second.returns.mean()),
            "policy_std": float(self.weights["log_std"].detach().exp().mean()),
        }

    def _batch(self, episodes: Episodes, acted: Weights) -> TaskBatch:
        config = self.config
        return TaskBatch.of(episodes, self.policy, acted, discount=config.discount, decay=config.decay)

    @override
    def start_trials(
        self, num_worlds: int, *, rng: np.random.Generator, privileged: NDArray[np.float64] | None = None
    ) -> Adaptation:
        return GradientInTrial(
            self.policy,
            dict(self.weights.items()),
            dict(self.rates.items()),
            self.moments,
            self.config,
            num_worlds,
            rng=rng,
        )

    @override
    def save(self, folder: Path) -> None:
        groups = {
            "weights": files.module_arrays(self.weights),
            "rates": files.module_arrays(self.rates),
            "observations": self.moments.arrays(),
        }
        files.save_arrays(folder / WEIGHTS, groups)

    @override
    def load(self, folder: Path) -> None:
        groups = files.load_arrays(folder / WEIGHTS)
        files.set_module_arrays(self.weights, groups["weights"])
        files.set_module_arrays(self.rates, groups["rates"])
        self.moments.set_arrays(groups["observations"])

    @override
    def training_log(self) -> Mapping[str, float]:
        return self._log
