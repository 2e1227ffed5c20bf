"""Multi-task PPO: sees the present observation and nothing else, so its zero-shot score is its score."""

from __future__ import annotations

from metarl_agents.common.on_policy import OnPolicyAgent


class MultitaskPpo(OnPolicyAgent):
    """PPO on a feed-forward policy over the training distribution."""
