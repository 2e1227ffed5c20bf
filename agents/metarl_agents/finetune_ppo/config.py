"""Settings of fine-tuned PPO."""

from __future__ import annotations

from dataclasses import dataclass

from metarl_agents.common.config import Count, Positive
from metarl_agents.multitask_ppo.config import MultitaskPpoConfig


@dataclass(frozen=True, kw_only=True)
class FinetunePpoConfig(MultitaskPpoConfig):
    """Training as multi-task PPO; the settings of its own are those of the meta-test.

    Attributes:
        tuning_rate: Learning rate of Adam.
        tuning_steps: Gradient steps on each adaptation episode, all of it at once.
    """

    tuning_rate: Positive = 1e-3
    tuning_steps: Count = 10
