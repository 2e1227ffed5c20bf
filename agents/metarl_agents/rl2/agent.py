"""RL2: the policy's memory lives through all episodes of a trial, so that its dynamics become a learning rule."""

from __future__ import annotations

from metarl_agents.common.on_policy import OnPolicyAgent


class Rl2(OnPolicyAgent):
    """PPO on a GRU policy that sees its previous action and reward and is reset between trials only."""
