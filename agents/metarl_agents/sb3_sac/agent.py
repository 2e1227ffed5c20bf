"""SAC as stable-baselines3 has it."""

from __future__ import annotations

from stable_baselines3 import SAC
from stable_baselines3.common.vec_env import VecEnv
from typing_extensions import override

from metarl_agents.sb3.agent import Sb3Agent


class Sb3Sac(Sb3Agent):
    """SAC whose entropy weight is learned."""

    @override
    def make_model(self, worlds: VecEnv) -> SAC:
        config = self.config
        return SAC(
            "MlpPolicy",
            worlds,
            gradient_steps=config.updates,
            batch_size=config.batch,
            buffer_size=config.buffer,
            learning_starts=config.random_steps,
            gamma=config.discount,
            learning_rate=config.learning_rate,
            policy_kwargs={"net_arch": [config.hidden, config.hidden], "optimizer_kwargs": {"fused": True}},
            device="cpu",
        )
