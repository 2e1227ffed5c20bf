"""Settings of multi-task PPO."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from metarl_agents.common.config import OnPolicyConfig


@dataclass(frozen=True, kw_only=True)
class MultitaskPpoConfig(OnPolicyConfig):
    """As the shared defaults, but without memory, and with a new task for every episode."""

    memory: Annotated[int, Field(ge=0, le=0)] = 0
    episodes: Annotated[int, Field(ge=0)] = 1
