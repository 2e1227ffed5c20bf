"""An agent that learns by soft actor-critic over many tasks; PEARL and the metric agent are two encoders for it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from typing_extensions import override

from metarl_agents.common import files
from metarl_agents.common.collection import play_cycle
from metarl_agents.common.config import OffPolicyConfig
from metarl_agents.common.networks import torch_threads
from metarl_agents.common.replay import Floats, Ints, TaskReplay
from metarl_agents.common.sac import Sac
from metarl_agents.common.transitions import TransitionView
from metarl_bench.agents import MetaAgent, TrialShape
from metarl_bench.metering import TrainingGround
from metarl_bench.tasks import SuiteSpec

WEIGHTS = "weights.safetensors"
TRAINING = "training.safetensors"
# A cycle takes at most this share of the budget, so that one fits between two save points.
CYCLE_SHARE = 0.05


class OffPolicyAgent(MetaAgent):
    """Collects trials of training tasks and learns actor, critics and encoder from their replays.

    Attributes:
        config: Settings.
        view: Normalises transitions.
        encoder: Infers a task's latent; a subclass decides what it is and what it minimises.
        sac: Actor and critics.
    """

    def __init__(
        self,
        suite: SuiteSpec,
        trial: TrialShape,
        config: OffPolicyConfig,
        rng: np.random.Generator,
    ) -> None:
        self.config = config
        self.view = TransitionView(suite)
        self._episodes = max(1, trial.adaptation_episodes)
        (observed,), (acted,) = suite.observation_space.shape, suite.action_space.shape
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        self.encoder = self.make_encoder(generator)
        self.sac = Sac(
            observations=observed,
            actions=acted,
            latent=config.latent,
            encoder=list(self.encoder.parameters()),
            config=config,
            generator=generator,
        )
        self._tasks = np.zeros(0, np.int64)
        self._replay = TaskReplay(0, 0, self.view.columns)
        self._cycles = 0
        self._updates = 0
        self._log: dict[str, float] = {}

    @abstractmethod
    def make_encoder(self, generator: torch.Generator) -> nn.Module:
        """Returns the untrained encoder."""

    @abstractmethod
    def infer(self, tasks: Ints, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Returns a latent for each task, and what the encoder minimises beside the critics' error.

        Args:
            tasks: Positions of the tasks [tasks].
            rng: For sampling.
        """

    def newest_evidence(self, tasks: Ints, rng: np.random.Generator) -> Tensor:
        """Returns transitions of each task's newest trials, as an encoder sees them [tasks, context, evidence]."""
        return self.view.for_encoder(self._replay.sample_newest(tasks, self.config.context, rng))

    def any_evidence(self, tasks: Ints, rng: np.random.Generator) -> Tensor:
        """Returns transitions of everything held of each task, as an encoder sees them [tasks, context, evidence]."""
        return self.view.for_encoder(self._replay.sample(tasks, self.config.context, rng))

    @override
    def meta_train(self, ground: TrainingGround, *, until: int, rng: np.random.Generator) -> None:
        self._meet_tasks(ground)
        trial_steps = self._episodes * ground.suite.horizon
        num_worlds = max(1, min(self.config.num_worlds, int(CYCLE_SHARE * ground.budget) // trial_steps))
        cycle = num_worlds * trial_steps
        if not ground.has_room(cycle, until):
            return
        worlds = ground.make_worlds(num_worlds)
        random_steps = self.config.random_share * ground.budget
        while ground.has_room(cycle, until):
            chosen = (self._cycles * num_worlds + np.arange(num_worlds)) % len(self._tasks)
            worlds.set_tasks([ground.handle(int(self._tasks[place])) for place in chosen])
            policy = None if ground.steps < random_steps else self.start_trials(num_worlds, rng=rng)
            rows = play_cycle(worlds, policy, self.view, episodes=self._episodes, rng=rng)
            self._store(chosen, rows)
            self._cycles += 1
            with torch_threads(self.config.learning_threads):
                while self._updates * self.config.steps_per_update < ground.steps - random_steps:
                    self._update(rng)

    @override
    def save(self, folder: Path) -> None:
        files.save_arrays(
            folder / WEIGHTS,
            {
                "policy": files.module_arrays(self.sac.policy),
                "encoder": files.module_arrays(self.encoder),
                "observations": self.view.observation_moments.arrays(),
                "rewards": self.view.reward_moments.arrays(),
            },
        )

    @override
    def load(self, folder: Path) -> None:
        groups = files.load_arrays(folder / WEIGHTS)
        files.set_module_arrays(self.sac.policy, groups["policy"])
        files.set_module_arrays(self.encoder, groups["encoder"])
        self.view.observation_moments.set_arrays(groups["observations"])
        self.view.reward_moments.set_arrays(groups["rewards"])

    @override
    def save_training(self, folder: Path) -> None:
        sac = self.sac
        counters = {"tasks": self._tasks, "cycles": np.array([self._cycles]), "updates": np.array([self._updates])}
        files.save_arrays(
            folder / TRAINING,
            {
                "critic": files.module_arrays(sac.critic),
                "target": files.module_arrays(sac.target),
                "temperature": {"log": sac.log_temperature.detach().numpy()},
                "critic_adam": files.adam_arrays(sac.critic_optimiser),
                "policy_adam": files.adam_arrays(sac.policy_optimiser),
                "temperature_adam": files.adam_arrays(sac.temperature_optimiser),
                "replay": self._replay.arrays(),
                "counters": counters,
            },
        )

    @override
    def load_training(self, folder: Path) -> None:
        sac, groups = self.sac, files.load_arrays(folder / TRAINING)
        files.set_module_arrays(sac.critic, groups["critic"])
        files.set_module_arrays(sac.target, groups["target"])
        sac.log_temperature.data = torch.from_numpy(groups["temperature"]["log"].copy())
        files.set_adam_arrays(sac.critic_optimiser, groups["critic_adam"])
        files.set_adam_arrays(sac.policy_optimiser, groups["policy_adam"])
        files.set_adam_arrays(sac.temperature_optimiser, groups["temperature_adam"])
        counters = groups["counters"]
        self._tasks = counters["tasks"].copy()
        self._cycles, self._updates = int(counters["cycles"][0]), int(counters["updates"][0])
        self._replay = TaskReplay(len(self._tasks), self.config.capacity, self.view.columns)
        self._replay.set_arrays(groups["replay"])

    @override
    def training_log(self) -> Mapping[str, float]:
        return self._log

    def _meet_tasks(self, ground: TrainingGround) -> None:
        """Draws the training tasks, once in a run."""
        if len(self._tasks):
            return
        handles = ground.sample_tasks(self.config.num_tasks)
        self._tasks = np.array(sorted({handle.id for handle in handles}), np.int64)
        self._replay = TaskReplay(len(self._tasks), self.config.capacity, self.view.columns)

    def _store(self, tasks: Ints, rows: list[Floats]) -> None:
        """Takes the transitions of each world [steps, width] into the replays and the statistics."""
        self._replay.begin_collection(tasks)
        for task, transitions in zip(tasks, rows, strict=True):
            self._replay.add(int(task), transitions)
        self.view.update(np.concatenate(rows))

    def _update(self, rng: np.random.Generator) -> None:
        config, replay = self.config, self._replay
        known = np.flatnonzero(replay.sizes)
        tasks = rng.choice(known, config.task_batch, replace=len(known) < config.task_batch)
        latents, encoder_loss = self.infer(tasks, rng)
        batch = self.view.for_learning(replay.sample(tasks, config.batch, rng))
        per_row = latents.repeat_interleave(config.batch, dim=0)
        self._log |= self.sac.update_critic(batch, per_row, encoder_loss, rng)
        self._log["encoder_loss"] = float(encoder_loss.detach())
        if self._updates % config.policy_delay == 0:
            self._log |= self.sac.update_policy(batch, per_row, rng)
        self._updates += 1
