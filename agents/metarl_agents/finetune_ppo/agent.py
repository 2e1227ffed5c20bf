"""Fine-tuned PPO: what adaptation by plain reinforcement learning is worth, without learning how to adapt."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from typing_extensions import override

from metarl_agents.common.forks import fork_of
from metarl_agents.common.inputs import InputEncoder
from metarl_agents.common.networks import torch_threads
from metarl_agents.finetune_ppo.config import FinetunePpoConfig
from metarl_agents.finetune_ppo.tuning import Experience, Tuner
from metarl_agents.multitask_ppo.agent import MultitaskPpo
from metarl_bench.agents import Adaptation, Phase, Transition, TrialShape
from metarl_bench.errors import ConfigError
from metarl_bench.tasks import SuiteSpec


class FinetunePpo(MultitaskPpo):
    """Trained as multi-task PPO; in a trial it goes on learning, in each world apart."""

    config: FinetunePpoConfig

    def __init__(
        self, suite: SuiteSpec, trial: TrialShape, config: FinetunePpoConfig, rng: np.random.Generator
    ) -> None:
        if config.scale_by_trial:
            raise ConfigError(
                "finetune-ppo got scale_by_trial=True; expected False, since it goes on learning in trials by the "
                "scale of all rewards. Leave the setting out."
            )
        super().__init__(suite, trial, config, rng)
        self._horizon = trial.horizon

    @override
    def start_trials(
        self, num_worlds: int, *, rng: np.random.Generator, privileged: NDArray[np.float64] | None = None
    ) -> Adaptation:
        factor = self.encoder.reward_scale.factor
        tuner = Tuner(self.network, self.config, reward_factor=factor, worlds=num_worlds)
        return FinetunedInTrial(tuner, self.encoder, num_worlds, horizon=self._horizon, rng=rng)


class FinetunedInTrial(Adaptation):
    """Records the adaptation episodes that it explores, and trains on each when it has ended."""

    def __init__(
        self, tuner: Tuner, encoder: InputEncoder, num_worlds: int, *, horizon: int, rng: np.random.Generator
    ) -> None:
        self._tuner = tuner
        self._encoder = encoder
        self._no_history = encoder.no_history(num_worlds)
        self._horizon = horizon
        self._rng = rng
        self._recorded: Experience | None = None
        self._step = 0
        self._acted: dict[str, NDArray[np.float32]] = {}

    @override
    def begin_episode(self, observations: NDArray[np.float32], *, episode: int, phase: Phase) -> None:
        self._step = 0
        self._recorded = None
        if phase == "adaptation":
            encoder = self._encoder
            self._recorded = Experience.empty(
                self._horizon, len(observations), inputs=encoder.size, actions=encoder.num_actions
            )

    @override
    def act(
        self, observations: NDArray[np.float32], *, active: NDArray[np.bool_], explore: bool
    ) -> NDArray[np.floating[Any]]:
        inputs = self._encode(observations)
        with torch_threads(1):
            predicted, _ = self._tuner.predict(torch.from_numpy(inputs[:, None]))
        means: NDArray[np.float32] = predicted[:, 0].numpy()
        if not explore:
            # Mean actions say nothing about which way the policy should go.
            self._recorded = None
            return means
        log_std = self._tuner.weights["log_std"].numpy()
        noise = self._rng.standard_normal(means.shape, dtype=np.float32)
        actions: NDArray[np.float32] = means + np.exp(log_std) * noise
        self._acted = {"inputs": inputs, "actions": actions, "means": means, "log_std": log_std}
        return actions

    @override
    def observe(self, transition: Transition) -> None:
        if self._recorded is None:
            return
        self._recorded.note(
            self._step,
            transition.active,
            following=self._encode(transition.next_observation),
            rewards=transition.reward,
            terminal=transition.terminated,
            **self._acted,
        )
        self._step += 1

    @override
    def end_episode(self) -> None:
        if self._recorded is not None:
            self._tuner.tune(self._recorded)
        self._recorded = None

    @override
    def fork(self) -> FinetunedInTrial:
        twin = fork_of(self)
        twin._tuner = self._tuner.fork()
        return twin

    def _encode(self, observations: NDArray[np.float32]) -> NDArray[np.float32]:
        return self._encoder.encode(observations, self._no_history, None)
