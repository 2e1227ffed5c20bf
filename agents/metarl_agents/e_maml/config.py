"""Settings of E-MAML."""

from __future__ import annotations

from dataclasses import dataclass

from metarl_agents.common.gradient.config import TrustRegionConfig


@dataclass(frozen=True, kw_only=True)
class EMamlConfig(TrustRegionConfig):
    """As the shared defaults."""
