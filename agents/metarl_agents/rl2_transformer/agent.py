"""RL2 with a transformer: the policy attends to all that its trial has shown so far."""

from __future__ import annotations

import torch
from typing_extensions import override

from metarl_agents.common.networks import ActorCritic
from metarl_agents.common.on_policy import OnPolicyAgent
from metarl_agents.rl2_transformer.config import Rl2TransformerConfig
from metarl_agents.rl2_transformer.network import TransformerActorCritic


class Rl2Transformer(OnPolicyAgent):
    """PPO on a policy that sees its whole trial through a causal transformer."""

    config: Rl2TransformerConfig

    @override
    def _make_network(self, generator: torch.Generator) -> ActorCritic:
        return TransformerActorCritic(
            num_observed=self.encoder.num_observed,
            num_history=self.encoder.num_history,
            num_actions=self.encoder.num_actions,
            memory=self.config.memory,
            hidden=self.config.hidden,
            initial_log_std=self.config.initial_log_std,
            generator=generator,
            activation=self.config.activation,
            layers=self.config.layers,
            heads=self.config.heads,
        )
