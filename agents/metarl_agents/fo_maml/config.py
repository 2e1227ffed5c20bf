"""Settings of first-order MAML."""

from __future__ import annotations

from dataclasses import dataclass

from metarl_agents.common.gradient.config import TrustRegionConfig


@dataclass(frozen=True, kw_only=True)
class FoMamlConfig(TrustRegionConfig):
    """As the shared defaults."""
