"""VariBAD: a recurrent encoder keeps a belief about the task, and a policy without memory acts on it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from typing_extensions import override

from metarl_agents.common import files
from metarl_agents.common.inputs import InputEncoder
from metarl_agents.common.normalisers import RunningReturns
from metarl_agents.common.on_policy import OnPolicyAgent
from metarl_agents.common.rollouts import Rollout, TrialCollector
from metarl_agents.varibad.autoencoder import Autoencoder, Draw, Trials
from metarl_agents.varibad.belief import BeliefEncoder, BeliefInputs
from metarl_agents.varibad.collector import RecordingCollector
from metarl_agents.varibad.config import VariBadConfig
from metarl_agents.varibad.trials import TrialBuffer
from metarl_bench.agents import TrialShape
from metarl_bench.metering import TrainingGround
from metarl_bench.tasks import SuiteSpec

BELIEF = "belief.safetensors"
BELIEF_TRAINING = "belief-training.safetensors"


class VariBad(OnPolicyAgent):
    """Learns the belief from whole trials of its own, and the policy by PPO; no gradient of PPO reaches the belief."""

    config: VariBadConfig
    encoder: BeliefInputs

    def __init__(self, suite: SuiteSpec, trial: TrialShape, config: VariBadConfig, rng: np.random.Generator) -> None:
        super().__init__(suite, trial, config, rng)
        self._autoencoder = Autoencoder(
            self.encoder.belief,
            config,
            observation=suite.observation_space.shape[0],
            action=self.encoder.num_actions,
            generator=torch.Generator().manual_seed(int(rng.integers(2**62))),
        )
        self._belief_optimiser = torch.optim.Adam(self._autoencoder.parameters(), lr=config.belief_rate, fused=True)
        self._buffer = TrialBuffer(config.buffer_trials, suite, self._episodes)

    @override
    def save(self, folder: Path) -> None:
        super().save(folder)
        groups = {
            "encoder": files.module_arrays(self.encoder.belief),
            "beliefs": self.encoder.belief_moments.arrays(),
        }
        files.save_arrays(folder / BELIEF, groups)

    @override
    def load(self, folder: Path) -> None:
        super().load(folder)
        groups = files.load_arrays(folder / BELIEF)
        files.set_module_arrays(self.encoder.belief, groups["encoder"])
        self.encoder.belief_moments.set_arrays(groups["beliefs"])

    @override
    def save_training(self, folder: Path) -> None:
        super().save_training(folder)
        groups = {
            "autoencoder": files.module_arrays(self._autoencoder),
            "adam": files.adam_arrays(self._belief_optimiser),
            "trials": self._buffer.arrays(),
        }
        files.save_arrays(folder / BELIEF_TRAINING, groups)

    @override
    def load_training(self, folder: Path) -> None:
        super().load_training(folder)
        groups = files.load_arrays(folder / BELIEF_TRAINING)
        files.set_module_arrays(self._autoencoder, groups["autoencoder"])
        files.set_adam_arrays(self._belief_optimiser, groups["adam"])
        self._buffer.set_arrays(groups["trials"])

    @override
    def _make_encoder(self, suite: SuiteSpec, rng: np.random.Generator) -> InputEncoder:
        belief = BeliefEncoder(
            observation=suite.observation_space.shape[0],
            action=suite.action_space.shape[0],
            latent=self.config.latent,
            units=self.config.belief_units,
            generator=torch.Generator().manual_seed(int(rng.integers(2**62))),
        )
        return BeliefInputs(suite, belief)

    @override
    def _make_collector(self, ground: TrainingGround, rng: np.random.Generator) -> TrialCollector:
        return RecordingCollector(
            ground,
            self.network,
            self.encoder,
            self._buffer,
            num_worlds=self.config.num_worlds,
            episodes=self._episodes,
            across_episodes=self.config.across_episodes,
            stagger=self.config.sequence,
            rng=rng,
        )

    @override
    def _learn(self, rollout: Rollout, running: RunningReturns, rng: np.random.Generator) -> None:
        super()._learn(rollout, running, rng)
        if self._buffer.filled:
            self._log |= self.learn_belief(rng)

    def learn_belief(self, rng: np.random.Generator) -> dict[str, float]:
        """Updates encoder and decoders on trials from the buffer; returns the figures of the last update."""
        figures: dict[str, float] = {}
        for _ in range(self.config.belief_updates):
            trials = Trials.of(self._buffer.sample(self.config.belief_trials, rng), self.encoder.observation_moments)
            loss, figures = self._autoencoder.loss(trials, Draw.of(trials.lengths, self.config, rng))
            self._belief_optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self._belief_optimiser.step()
        return figures
