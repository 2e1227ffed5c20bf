"""Outer loops that take steps of Adam on the initialisation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from typing_extensions import override

from metarl_agents.common import files
from metarl_agents.common.gradient.agent import GradientAgent
from metarl_agents.common.gradient.config import AdamConfig
from metarl_bench.agents import TrialShape
from metarl_bench.tasks import SuiteSpec

TRAINING = "training.safetensors"


class AdamAgent(GradientAgent):
    """Keeps the optimiser of the initialisation.

    Attributes:
        optimiser: Adam on the initialisation's weights.
    """

    config: AdamConfig

    def __init__(self, suite: SuiteSpec, trial: TrialShape, config: AdamConfig, rng: np.random.Generator) -> None:
        super().__init__(suite, trial, config, rng)
        self.optimiser = torch.optim.Adam(self.weights.parameters(), lr=config.learning_rate, fused=True)

    @override
    def save_training(self, folder: Path) -> None:
        files.save_arrays(folder / TRAINING, {"adam": files.adam_arrays(self.optimiser)})

    @override
    def load_training(self, folder: Path) -> None:
        files.set_adam_arrays(self.optimiser, files.load_arrays(folder / TRAINING)["adam"])
