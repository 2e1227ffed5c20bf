"""An agent that learns by PPO over trials; RL2, its memoryless twin and the oracle are configurations of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from typing_extensions import override

from metarl_agents.common import files
from metarl_agents.common.config import OnPolicyConfig
from metarl_agents.common.forks import fork_of
from metarl_agents.common.inputs import InputEncoder
from metarl_agents.common.networks import ActorCritic, torch_threads
from metarl_agents.common.normalisers import RunningReturns
from metarl_agents.common.ppo import Ppo, make_batch
from metarl_agents.common.rollouts import Rollout, TrialCollector, generalised_advantages, values_and_bootstraps
from metarl_bench.agents import Adaptation, MetaAgent, Phase, Transition, TrialShape
from metarl_bench.metering import TrainingGround
from metarl_bench.tasks import SuiteSpec

WEIGHTS = "weights.safetensors"
TRAINING = "training.safetensors"
# Of a trial's returns, beside that of all: less is taken for nothing, so that no noise is learned from.
LEAST_DEVIATION = 0.01


class OnPolicyAgent(MetaAgent):
    """Learns a policy over whole trials by PPO."""

    privileged: ClassVar[bool] = False

    def __init__(self, suite: SuiteSpec, trial: TrialShape, config: OnPolicyConfig, rng: np.random.Generator) -> None:
        self.config = config
        self._episodes = config.episodes or trial.adaptation_episodes + trial.evaluation_episodes
        self.encoder = self._make_encoder(suite, rng)
        self.network = self._make_network(torch.Generator().manual_seed(int(rng.integers(2**62))))
        self._ppo = Ppo(self.network, config)
        self._log: dict[str, float] = {}

    @override
    def meta_train(self, ground: TrainingGround, *, until: int, rng: np.random.Generator) -> None:
        config = self.config
        iteration = config.num_worlds * config.steps
        if not ground.has_room(iteration, until):
            return
        with torch_threads(1):
            collector = self._make_collector(ground, rng)
            running = RunningReturns(config.num_worlds, config.discount)
            while ground.has_room(iteration, until):
                rollout = collector.collect(config.steps)
                self._ppo.progress = ground.steps / ground.budget
                with torch_threads(config.learning_threads):
                    self._learn(rollout, running, rng)

    @override
    def start_trials(
        self, num_worlds: int, *, rng: np.random.Generator, privileged: NDArray[np.float64] | None = None
    ) -> Adaptation:
        return PolicyInTrial(self.network, self.encoder, num_worlds, privileged=privileged, rng=rng)

    @override
    def save(self, folder: Path) -> None:
        groups = {
            "network": files.module_arrays(self.network),
            "observations": self.encoder.observation_moments.arrays(),
            "rewards": self.encoder.reward_moments.arrays(),
            "returns": self.encoder.reward_scale.moments.arrays(),
        }
        files.save_arrays(folder / WEIGHTS, groups)

    @override
    def load(self, folder: Path) -> None:
        groups = files.load_arrays(folder / WEIGHTS)
        files.set_module_arrays(self.network, groups["network"])
        self.encoder.observation_moments.set_arrays(groups["observations"])
        self.encoder.reward_moments.set_arrays(groups["rewards"])
        self.encoder.reward_scale.moments.set_arrays(groups["returns"])

    @override
    def save_training(self, folder: Path) -> None:
        files.save_arrays(folder / TRAINING, {"adam": files.adam_arrays(self._ppo.optimiser)})

    @override
    def load_training(self, folder: Path) -> None:
        files.set_adam_arrays(self._ppo.optimiser, files.load_arrays(folder / TRAINING)["adam"])

    @override
    def training_log(self) -> Mapping[str, float]:
        return self._log

    def _make_network(self, generator: torch.Generator) -> ActorCritic:
        return ActorCritic(
            num_observed=self.encoder.num_observed,
            num_history=self.encoder.num_history,
            num_actions=self.encoder.num_actions,
            memory=self.config.memory,
            hidden=self.config.hidden,
            initial_log_std=self.config.initial_log_std,
            generator=generator,
            activation=self.config.activation,
        )

    def _make_encoder(self, suite: SuiteSpec, rng: np.random.Generator) -> InputEncoder:
        """Returns what makes the network's inputs; ``rng`` draws its weights, where it has some."""
        return InputEncoder(suite, remembers=self.config.memory > 0, privileged=self.privileged)

    def _make_collector(self, ground: TrainingGround, rng: np.random.Generator) -> TrialCollector:
        config = self.config
        return TrialCollector(
            ground,
            self.network,
            self.encoder,
            num_worlds=config.num_worlds,
            episodes=self._episodes,
            across_episodes=config.across_episodes,
            stagger=config.sequence,
            rng=rng,
        )

    def _learn(self, rollout: Rollout, running: RunningReturns, rng: np.random.Generator) -> None:
        """Updates network and normalisers."""
        config, scale = self.config, self.encoder.reward_scale
        sums, deviations = running.extend(rollout.rewards, rollout.starts, rollout.ends)
        scale.update(sums)
        factors: Any = scale.factor
        if config.scale_by_trial:
            factors = 1.0 / np.maximum(deviations, LEAST_DEVIATION / scale.factor)
        values, following = values_and_bootstraps(self.network, rollout)
        advantages = generalised_advantages(
            rollout.rewards * factors,
            values,
            following,
            rollout.ends,
            discount=config.discount,
            decay=config.decay,
        )
        returns = advantages + values
        advantages = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
        batch = make_batch(rollout, advantages, returns, length=config.sequence)
        figures = self._ppo.update(batch, rng)
        self.encoder.observation_moments.update(rollout.observed)
        self.encoder.reward_moments.update(rollout.rewards[..., np.newaxis])
        self._log = figures | {
            "reward_per_step": float(rollout.rewards.mean()),
            "policy_std": float(self.network.log_std.detach().exp().mean()),
        }


class PolicyInTrial(Adaptation):
    """Acts through a trial; what it has learned about the task is the memory's state."""

    def __init__(
        self,
        network: ActorCritic,
        encoder: InputEncoder,
        num_worlds: int,
        *,
        privileged: NDArray[np.float64] | None,
        rng: np.random.Generator,
    ) -> None:
        self._network = network
        self._encoder = encoder
        self._privileged = privileged
        self._rng = rng
        self._std = network.log_std.detach().exp().numpy()
        self._history = encoder.no_history(num_worlds)
        self._state = network.fresh(num_worlds)

    @override
    def begin_episode(self, observations: NDArray[np.float32], *, episode: int, phase: Phase) -> None:
        self._encoder.mark_start(self._history, np.ones(len(observations), np.bool_))

    @override
    def act(
        self, observations: NDArray[np.float32], *, active: NDArray[np.bool_], explore: bool
    ) -> NDArray[np.floating[Any]]:
        inputs = self._encoder.encode(observations, self._history, self._privileged)
        with torch.inference_mode(), torch_threads(1):
            mean, _, state = self._network.step(torch.from_numpy(inputs), self._state)
            # Worlds that wait for the others must remember what they knew when their episode ended.
            self._state = self._network.keep(state, self._state, torch.from_numpy(active))
        actions: NDArray[np.floating[Any]] = mean.numpy()
        if explore:
            actions = actions + self._std * self._rng.standard_normal(actions.shape, dtype=np.float32)
        return actions

    @override
    def observe(self, transition: Transition) -> None:
        history = self._encoder.history(
            self._history, transition.action, transition.reward, transition.next_observation
        )
        self._history = np.where(transition.active[:, None], history, self._history)

    @override
    def fork(self) -> PolicyInTrial:
        # The network is shared, not copied: only what belongs to the trial is the fork's own.
        twin = fork_of(self)
        twin._history, twin._state = self._history.copy(), self._network.copy(self._state)
        return twin
