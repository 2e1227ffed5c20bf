"""Settings of Meta-SGD."""

from __future__ import annotations

from dataclasses import dataclass

from metarl_agents.common.gradient.config import TrustRegionConfig


@dataclass(frozen=True, kw_only=True)
class MetaSgdConfig(TrustRegionConfig):
    """As the shared defaults."""
