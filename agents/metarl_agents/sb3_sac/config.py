"""Settings of stable-baselines3 SAC."""

from __future__ import annotations

from dataclasses import dataclass

from metarl_agents.common.config import Count, Fraction, Positive
from metarl_agents.sb3.config import Sb3Config


@dataclass(frozen=True, kw_only=True)
class Sb3SacConfig(Sb3Config):
    """As the library's own defaults, but with fewer updates than steps: a step of all worlds is followed by a few.

    Attributes:
        updates: After each step of all worlds.
        batch: Transitions of an update.
        buffer: Transitions kept, over all worlds.
        random_steps: Environment steps with random actions, before learning begins.
        hidden: Units of each of a network's two hidden layers.
        discount: Of the return, per environment step.
        learning_rate: For Adam.
    """

    updates: Count = 1
    batch: Count = 256
    buffer: Count = 200_000
    random_steps: Count = 100
    hidden: Count = 256
    discount: Fraction = 0.99
    learning_rate: Positive = 3e-4
