"""Settings of stable-baselines3 SAC."""

from __future__ import annotations

from dataclasses import dataclass

from metarl_agents.common.config import Count, Fraction, Positive
from metarl_agents.sb3.config import Sb3Config


@dataclass(frozen=True, kw_only=True)
class Sb3SacConfig(Sb3Config):
    """As the library's own defaults, but smaller, and with far fewer updates than steps, for the processor's sake.

    Attributes:
        num_worlds: Worlds that are stepped side by side.
        updates: After each step of all worlds.
        batch: Transitions of an update.
        buffer: Transitions kept, over all worlds.
        random_steps: Environment steps with random actions, before learning begins.
        hidden: Units of each of a network's two hidden layers.
        discount: Of the return, per environment step.
        learning_rate: For Adam.
    """

    num_worlds: Count = 16
    updates: Count = 1
    batch: Count = 256
    buffer: Count = 200_000
    random_steps: Count = 100
    hidden: Count = 128
    discount: Fraction = 0.99
    learning_rate: Positive = 1e-3
