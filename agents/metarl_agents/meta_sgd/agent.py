"""Meta-SGD: initialisation and inner learning rates are learned together."""

from __future__ import annotations

import numpy as np
from torch import Tensor
from typing_extensions import override

from metarl_agents.common.gradient.trpo import TrustRegionAgent
from metarl_agents.meta_sgd.config import MetaSgdConfig
from metarl_bench.agents import TrialShape
from metarl_bench.tasks import SuiteSpec


class MetaSgd(TrustRegionAgent):
    """MAML whose outer step changes the rates as well; they may become negative."""

    def __init__(self, suite: SuiteSpec, trial: TrialShape, config: MetaSgdConfig, rng: np.random.Generator) -> None:
        super().__init__(suite, trial, config, rng)
        self.rates.requires_grad_()

    @override
    def learned(self) -> list[Tensor]:
        return [*self.weights.values(), *self.rates.values()]
