"""Settings of MAML."""

from __future__ import annotations

from dataclasses import dataclass

from metarl_agents.common.gradient.config import TrustRegionConfig
from metarl_bench.tasks import SuiteSpec


@dataclass(frozen=True, kw_only=True)
class MamlConfig(TrustRegionConfig):
    """As the shared defaults; where a figure was published, its batches."""

    @classmethod
    def for_suite(cls, suite: SuiteSpec) -> MamlConfig:
        """Returns the settings for a suite."""
        if suite.id == "locomotion/cheetah-direction-h100-v1":
            # 20 tasks, with 20 episodes before and 20 after the step; learn2learn's inner rate and discount.
            return cls(num_worlds=400, inner_rate=0.1, discount=0.95)
        return cls()
