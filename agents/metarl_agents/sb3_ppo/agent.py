"""PPO as stable-baselines3 has it."""

from __future__ import annotations

from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import VecEnv, VecNormalize
from typing_extensions import override

from metarl_agents.sb3.agent import Sb3Agent


class Sb3Ppo(Sb3Agent):
    """PPO with a small network for the policy and one for the value."""

    @override
    def make_model(self, worlds: VecEnv) -> PPO:
        config = self.config
        return PPO(
            "MlpPolicy",
            VecNormalize(worlds, gamma=config.discount) if config.normalise else worlds,
            n_steps=config.steps,
            batch_size=config.batch,
            n_epochs=config.epochs,
            gamma=config.discount,
            gae_lambda=config.decay,
            learning_rate=config.learning_rate,
            device="cpu",
        )
