"""Settings of VariBAD."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from metarl_agents.common.config import Count, OnPolicyConfig, Positive
from metarl_bench.tasks import SuiteSpec


@dataclass(frozen=True, kw_only=True)
class VariBadConfig(OnPolicyConfig):
    """PPO as for the other agents, on a memoryless policy, and a variational autoencoder of trials.

    Attributes:
        latent: Numbers that a task is described by.
        belief_units: Units of the GRU that reads the trial.
        kl_weight: Of the divergence between a belief and the one before it.
        state_weight: Of the squared error of the predicted next observation; 0 predicts rewards alone.
        reward_from_step: Whether the reward is predicted from the whole step, or from the observation it led to alone.
        belief_rate: Learning rate of the autoencoder.
        belief_updates: Of the autoencoder, per iteration.
        belief_trials: Trials per update.
        belief_times: Beliefs per trial and update that predict.
        belief_predictions: Steps of the trial that each of them predicts.
        buffer_trials: Newest trials that the autoencoder learns from.
    """

    sequence: Count = 1
    memory: Annotated[int, Field(ge=0, le=0)] = 0
    hidden: Count = 128
    target_kl: Positive = 0.03
    lowest_rate: Positive = 1e-4
    highest_rate: Positive = 2e-3
    latent: Count = 5
    belief_units: Count = 64
    kl_weight: Annotated[float, Field(ge=0)] = 0.1
    state_weight: Annotated[float, Field(ge=0)] = 0.0
    reward_from_step: bool = True
    belief_rate: Positive = 1e-3
    belief_updates: Count = 1
    belief_trials: Count = 16
    belief_times: Count = 16
    belief_predictions: Count = 100
    buffer_trials: Count = 1000

    @classmethod
    def for_suite(cls, suite: SuiteSpec) -> VariBadConfig:
        """Returns the settings for a suite."""
        if suite.id == "toy/sparse-point-robot-v1":
            # As in the paper, the goal alone decides what is paid; PPO as for RL2, since exploration must go on.
            return cls(
                steps=90,
                target_kl=0.02,
                lowest_rate=5e-4,
                initial_log_std=0.0,
                entropy_weight=0.003,
                reward_from_step=False,
                belief_updates=3,
            )
        if suite.id.startswith("locomotion/cheetah-velocity-wide"):
            # At up to 7 m/s the gait is what takes long to learn, and ReLU learns it about twice as fast.
            return cls(activation="relu")
        return cls()
