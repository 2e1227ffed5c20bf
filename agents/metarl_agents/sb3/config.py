"""What every agent that learns by stable-baselines3 can set."""

from __future__ import annotations

from dataclasses import dataclass

from metarl_agents.common.config import Count


@dataclass(frozen=True, kw_only=True)
class Sb3Config:
    """Settings of the adapter; those of an algorithm are its own subclass's.

    Attributes:
        num_worlds: Worlds that the algorithm steps side by side (``n_envs``).
    """

    num_worlds: Count = 8
