"""Settings of the oracle."""

from __future__ import annotations

from dataclasses import dataclass

from metarl_agents.common.config import OnPolicyConfig


@dataclass(frozen=True, kw_only=True)
class OracleConfig(OnPolicyConfig):
    """As the shared defaults, so that the oracle differs from RL2 in what it sees alone."""
