"""Settings of the metric agent."""

from __future__ import annotations

from dataclasses import dataclass

from metarl_agents.common.config import Count, OffPolicyConfig, Positive


@dataclass(frozen=True, kw_only=True)
class MetricConfig(OffPolicyConfig):
    """As the shared defaults, with more room for the points of tasks.

    Attributes:
        softening: Squared distance below which different tasks hardly repel each other more. Large enough that far
            tasks are pushed apart too: else the curve of a family with one parameter folds, and distances lose their
            order.
        prototype_rate: Share of the way that a prototype goes to its task's newest embedding.
    """

    steps_per_update: Count = 60
    latent: Count = 10
    softening: Positive = 1.0
    prototype_rate: Positive = 0.05
