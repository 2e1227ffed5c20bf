"""Settings that all on-policy agents share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]
Fraction = Annotated[float, Field(ge=0, le=1)]


@dataclass(frozen=True, kw_only=True)
class OnPolicyConfig:
    """PPO over trials.

    Attributes:
        num_worlds: Worlds of a batch.
        steps: Environment steps per world and iteration.
        sequence: Steps through which gradients flow back.
        memory: Units of the GRU; 0 for a memoryless network.
        hidden: Units of each of a head's two hidden layers.
        episodes: Episodes of a training trial; 0 takes as many as a trial of the meta-test plays in a row.
        epochs: Passes over each batch.
        minibatches: Per pass.
        discount: Of the return, per environment step.
        decay: Lambda of the advantage estimates.
        clip: Of the probability ratio.
        learning_rate: At the start, for Adam.
        target_kl: KL divergence per minibatch step that the learning rate aims at.
        lowest_rate: The learning rate stays above it.
        highest_rate: The learning rate stays below it.
        gradient_clip: Largest norm of a gradient.
        value_weight: Of the value loss.
        entropy_weight: Of the entropy bonus.
        initial_log_std: Of the policy.
        learning_threads: Threads that torch learns with; part of the configuration since it can change sums.
    """

    num_worlds: Count = 32
    steps: Count = 100
    sequence: Count = 25
    memory: Annotated[int, Field(ge=0)] = 64
    hidden: Count = 64
    episodes: Annotated[int, Field(ge=0)] = 0
    epochs: Count = 4
    minibatches: Count = 4
    discount: Fraction = 0.99
    decay: Fraction = 0.95
    clip: Positive = 0.2
    learning_rate: Positive = 7e-4
    target_kl: Positive = 0.01
    lowest_rate: Positive = 3e-4
    highest_rate: Positive = 1e-3
    gradient_clip: Positive = 0.5
    value_weight: Positive = 0.5
    entropy_weight: Annotated[float, Field(ge=0)] = 0.0
    initial_log_std: float = -0.5
    learning_threads: Count = 1
