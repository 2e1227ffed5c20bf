"""Settings of RL2 with a transformer."""

from __future__ import annotations

from dataclasses import dataclass

from metarl_agents.common.config import Count, OnPolicyConfig
from metarl_bench.errors import ConfigError
from metarl_bench.tasks import SuiteSpec


@dataclass(frozen=True, kw_only=True)
class Rl2TransformerConfig(OnPolicyConfig):
    """As the shared defaults, but for the memory, whose units are the transformer's width.

    Attributes:
        sequence: Equals ``steps``: the transformer sees the trial from its start, and takes each piece of it once.
        layers: Of the transformer.
        heads: Of each layer's attention; they share the width.
    """

    sequence: Count = 100
    layers: Count = 1
    heads: Count = 4

    def __post_init__(self) -> None:
        if self.sequence != self.steps:
            raise ConfigError(f"sequence is {self.sequence}; expected as many as steps, {self.steps}.")
        if self.memory < self.heads or self.memory % self.heads:
            raise ConfigError(f"memory is {self.memory}; expected a multiple of heads, {self.heads}.")

    @classmethod
    def for_suite(cls, suite: SuiteSpec) -> Rl2TransformerConfig:
        """Returns the settings for a suite."""
        if suite.id == "toy/sparse-point-robot-v1":
            # As RL2's: exploration pays late, so it must go on.
            return cls(
                steps=90,
                sequence=90,
                target_kl=0.02,
                lowest_rate=5e-4,
                highest_rate=2e-3,
                initial_log_std=0.0,
                entropy_weight=0.003,
            )
        return cls()
