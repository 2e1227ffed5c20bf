"""Settings of Reptile."""

from __future__ import annotations

from dataclasses import dataclass

from metarl_agents.common.config import Positive
from metarl_agents.common.gradient.config import AdamConfig


@dataclass(frozen=True, kw_only=True)
class ReptileConfig(AdamConfig):
    """As the shared defaults, with a faster outer loop."""

    learning_rate: Positive = 3e-3
