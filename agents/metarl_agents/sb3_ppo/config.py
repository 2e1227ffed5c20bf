"""Settings of stable-baselines3 PPO."""

from __future__ import annotations

from dataclasses import dataclass

from metarl_agents.common.config import Count, Fraction, Positive
from metarl_agents.sb3.config import Sb3Config


@dataclass(frozen=True, kw_only=True)
class Sb3PpoConfig(Sb3Config):
    """As the library's own defaults: 2048 steps a rollout, but from eight worlds; larger minibatches; normalised.

    Attributes:
        steps: Environment steps per world and rollout.
        batch: Steps of a minibatch.
        epochs: Passes over each rollout.
        discount: Of the return, per environment step.
        decay: Lambda of the advantage estimates.
        learning_rate: For Adam.
        normalise: Bring observations and rewards to a common scale (``VecNormalize``).
    """

    steps: Count = 256
    batch: Count = 128
    epochs: Count = 10
    discount: Fraction = 0.99
    decay: Fraction = 0.95
    learning_rate: Positive = 3e-4
    normalise: bool = True
