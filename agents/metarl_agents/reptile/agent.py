"""Reptile: two steps in each task, and a step of the initialisation towards where they led."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from typing_extensions import override

from metarl_agents.common import files
from metarl_agents.common.gradient.agent import GradientAgent
from metarl_agents.common.gradient.episodes import TaskBatch
from metarl_agents.common.gradient.inner import adapt
from metarl_agents.common.gradient.policy import detached
from metarl_agents.reptile.config import ReptileConfig
from metarl_bench.agents import TrialShape
from metarl_bench.tasks import SuiteSpec

TRAINING = "training.safetensors"


class Reptile(GradientAgent):
    """The second step is taken on the episodes after the first, and Adam takes the mean way back for a gradient."""

    config: ReptileConfig

    def __init__(self, suite: SuiteSpec, trial: TrialShape, config: ReptileConfig, rng: np.random.Generator) -> None:
        super().__init__(suite, trial, config, rng)
        self._optimiser = torch.optim.Adam(self.weights.parameters(), lr=config.learning_rate, fused=True)

    @override
    def improve(self, before: TaskBatch, after: TaskBatch, returns: NDArray[np.float64]) -> dict[str, float]:
        once = detached(self.adapted(before, differentiable=False))
        twice = adapt(self.policy, once, dict(self.rates.items()), after, differentiable=False)
        for name, weight in self.weights.items():
            weight.grad = (weight - twice[name].mean(dim=0)).detach()
        self._optimiser.step()
        return {"way": float(sum(weight.grad.square().sum() for weight in self.weights.values()) ** 0.5)}

    @override
    def save_training(self, folder: Path) -> None:
        files.save_arrays(folder / TRAINING, {"adam": files.adam_arrays(self._optimiser)})

    @override
    def load_training(self, folder: Path) -> None:
        files.set_adam_arrays(self._optimiser, files.load_arrays(folder / TRAINING)["adam"])
