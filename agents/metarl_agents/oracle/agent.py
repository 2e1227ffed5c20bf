"""Oracle: what the same network reaches where there is nothing to find out."""

from __future__ import annotations

from typing import ClassVar

from metarl_agents.common.on_policy import OnPolicyAgent


class Oracle(OnPolicyAgent):
    """PPO on RL2's network, with the task parameters beside the observation."""

    privileged: ClassVar[bool] = True
