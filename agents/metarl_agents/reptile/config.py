"""Settings of Reptile."""

from __future__ import annotations

from dataclasses import dataclass

from metarl_agents.common.config import Positive
from metarl_agents.common.gradient.config import GradientConfig


@dataclass(frozen=True, kw_only=True)
class ReptileConfig(GradientConfig):
    """As the shared defaults, and the outer loop.

    Attributes:
        learning_rate: Of the initialisation, for Adam.
    """

    learning_rate: Positive = 3e-3
