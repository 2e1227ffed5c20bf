"""Settings of PEARL."""

from __future__ import annotations

from dataclasses import dataclass

from metarl_agents.common.config import OffPolicyConfig, Positive
from metarl_bench.tasks import SuiteSpec


@dataclass(frozen=True, kw_only=True)
class PearlConfig(OffPolicyConfig):
    """As the shared defaults; the sparse point robot has its own.

    Attributes:
        kl_weight: Of the posterior's divergence from the prior, summed over the latent, mean over the tasks.
    """

    kl_weight: Positive = 0.1

    @classmethod
    def for_suite(cls, suite: SuiteSpec) -> PearlConfig:
        """Returns the settings for a suite."""
        if suite.id == "toy/sparse-point-robot-v1":
            # Few transitions tell the goal, so many are needed; the divergence's weight is the paper's.
            return cls(context=128, kl_weight=1.0, discount=0.95)
        return cls()
