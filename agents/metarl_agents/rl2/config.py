"""Settings of RL2."""

from __future__ import annotations

from dataclasses import dataclass

from metarl_agents.common.config import OnPolicyConfig
from metarl_bench.tasks import SuiteSpec


@dataclass(frozen=True, kw_only=True)
class Rl2Config(OnPolicyConfig):
    """As the shared defaults; the toy suites and those of many kinds of manipulation have their own."""

    @classmethod
    def for_suite(cls, suite: SuiteSpec) -> Rl2Config:
        """Returns the settings for a suite."""
        if suite.id == "toy/sparse-point-robot-v1":
            # Exploration pays late, so it must go on, and gradients must reach back into the episode before.
            return cls(
                steps=90,
                sequence=90,
                target_kl=0.02,
                lowest_rate=5e-4,
                highest_rate=2e-3,
                initial_log_std=0.0,
                entropy_weight=0.003,
            )
        if suite.id == "toy/point-robot-v1":
            # Whole trials of three episodes, and updates that get ever smaller: near the goal, the gradient's noise is
            # larger than what is still to be gained. The starts of episodes, all over the square, add most of it.
            return cls(
                num_worlds=128,
                steps=60,
                sequence=60,
                memory=128,
                hidden=128,
                across_episodes=False,
                epochs=8,
                discount=0.9,
                decay=0.9,
                target_kl=0.015,
                final_kl=0.001,
                lowest_rate=1e-6,
                highest_rate=3e-3,
                entropy_weight=0.003,
            )
        if suite.id in ("manipulation/ml10-v1", "manipulation/ml25-v1", "manipulation/ml45-v1"):
            # Trials are long and kinds are many: more worlds, so that most kinds are in each batch.
            return cls(num_worlds=64, sequence=50, memory=128, hidden=128)
        return cls()
