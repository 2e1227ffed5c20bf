"""Settings that all on-policy agents share, and those that all off-policy agents share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from metarl_bench.configs import later_setting

Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Activation = Literal["tanh", "relu"]


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
        across_episodes: Whether returns run on through the borders of a trial's episodes. Only that rewards exploring
            in one episode for the next; but how good the next start happens to be is noise in what comes before it.
        epochs: Passes over each batch.
        minibatches: Per pass.
        discount: Of the return, per environment step.
        decay: Lambda of the advantage estimates.
        clip: Of the probability ratio.
        learning_rate: At the start, for Adam.
        target_kl: KL divergence per minibatch step that the learning rate aims at.
        final_kl: What the aim has fallen to at the end of the budget, linearly; 0 leaves it where it is.
        lowest_rate: The learning rate stays above it.
        highest_rate: The learning rate stays below it.
        gradient_clip: Largest norm of a gradient.
        value_weight: Of the value loss.
        entropy_weight: Of the entropy bonus.
        activation: Of the heads' hidden layers.
        initial_log_std: Of the policy.
        scale_by_trial: Whether rewards are scaled by what their own trial has paid so far, not by what all have. Else
            the gradient is that of the tasks that pay most, and what pays little before it is solved is never learned.
        learning_threads: Threads that torch learns with; part of the configuration since it can change sums.
    """

    num_worlds: Count = 32
    steps: Count = 100
    sequence: Count = 25
    memory: Annotated[int, Field(ge=0)] = 64
    hidden: Count = 64
    episodes: Annotated[int, Field(ge=0)] = 0
    across_episodes: bool = later_setting(True)
    epochs: Count = 4
    minibatches: Count = 4
    discount: Fraction = 0.99
    decay: Fraction = 0.95
    clip: Positive = 0.2
    learning_rate: Positive = 7e-4
    target_kl: Positive = 0.01
    final_kl: Annotated[float, Field(ge=0)] = later_setting(0.0)
    lowest_rate: Positive = 3e-4
    highest_rate: Positive = 1e-3
    gradient_clip: Positive = 0.5
    value_weight: Positive = 0.5
    entropy_weight: Annotated[float, Field(ge=0)] = 0.0
    activation: Activation = later_setting("tanh")
    initial_log_std: float = -0.5
    scale_by_trial: bool = later_setting(False)
    learning_threads: Count = 1


@dataclass(frozen=True, kw_only=True)
class OffPolicyConfig:
    """Soft actor-critic over many tasks, each with a replay of its own.

    Attributes:
        num_tasks: Training tasks, drawn once (fewer where the distribution has fewer).
        num_worlds: Tasks that a cycle collects from; each plays the adaptation episodes of a trial. Fewer where a cycle
            would not fit between two save points.
        random_share: Share of the budget that is collected with random actions, before learning begins.
        steps_per_update: Environment steps that are collected for each update.
        capacity: Transitions kept of each task.
        task_batch: Tasks of an update.
        batch: Transitions of each task in an update.
        context: Transitions of each task that an update infers the task from.
        policy_delay: Updates of the critics for each of the policy.
        latent: Size of a task's latent.
        hidden: Units of each of the two hidden layers of policy and critics.
        encoder_hidden: Units of each of the encoder's two hidden layers.
        discount: Of the return, per environment step.
        learning_rate: For Adam, everywhere.
        target_rate: Share of the way that the target critics go at each update.
        learning_threads: Threads that torch learns with; part of the configuration since it can change sums.
    """

    num_tasks: Count = 100
    num_worlds: Count = 50
    random_share: Fraction = 0.05
    steps_per_update: Count = 30
    capacity: Count = 10_000
    task_batch: Count = 16
    batch: Count = 16
    context: Count = 64
    policy_delay: Count = 2
    latent: Count = 5
    hidden: Count = 128
    encoder_hidden: Count = 64
    discount: Fraction = 0.99
    learning_rate: Positive = 1e-3
    target_rate: Positive = 0.005
    learning_threads: Count = 1
