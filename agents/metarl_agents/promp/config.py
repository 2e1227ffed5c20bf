"""Settings of ProMP."""

from __future__ import annotations

from dataclasses import dataclass

from metarl_agents.common.config import Count, Positive
from metarl_agents.common.gradient.config import AdamConfig


@dataclass(frozen=True, kw_only=True)
class PrompConfig(AdamConfig):
    """As the shared defaults, and the outer loop.

    Attributes:
        epochs: Steps on each batch.
        clip: Of the probability ratio.
        kl_weight: Of the divergence from the initialisation that explored.
    """

    epochs: Count = 5
    clip: Positive = 0.3
    kl_weight: Positive = 5e-4
