"""Settings of RL2."""

from __future__ import annotations

from dataclasses import dataclass

from metarl_agents.common.config import OnPolicyConfig


@dataclass(frozen=True, kw_only=True)
class Rl2Config(OnPolicyConfig):
    """As the shared defaults."""
