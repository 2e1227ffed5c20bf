"""An agent under test: builds, trains, saves and plays it the way the harness does."""

from __future__ import annotations

import contextlib
import functools
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metarl_bench import seeding
from metarl_bench.agents import Adaptation, AgentSpec, MetaAgent, Phase, Transition, TrialShape
from metarl_bench.errors import BudgetExceeded, ConfigError
from metarl_bench.metering import TrainingGround
from metarl_bench.registry import AGENTS, make_config, make_suite
from metarl_bench.tasks import Suite
from metarl_bench.testing.conformance import expect
from metarl_bench.testing.rollouts import sample, seeds
from metarl_bench.worlds import Worlds

NUM_WORLDS = 4
ADAPTATION_EPISODES = 2


class AgentSubject:
    """One agent with one configuration on one suite.

    Attributes:
        spec: What the agent declares.
        suite: Where it is checked.
        steps: Environment steps of a training segment.
    """

    def __init__(
        self, agent: str | AgentSpec, suite: str | Suite, steps: int, config: Mapping[str, object] | None
    ) -> None:
        if steps < 1:
            raise ConfigError(f"A training segment got {steps} steps; expected 1 or more, for several iterations.")
        self.spec = AGENTS.get(agent) if isinstance(agent, str) else agent
        self.suite = make_suite(suite) if isinstance(suite, str) else suite
        self.steps = steps
        self._config = make_config(self.spec, self.suite.spec, config)
        self._trial = TrialShape(
            adaptation_episodes=ADAPTATION_EPISODES, evaluation_episodes=1, horizon=self.suite.spec.horizon
        )

    @functools.cached_property
    def trained(self) -> MetaAgent:
        """The agent after one training segment with seed 0; shared by the checks that only play it."""
        return self.train(0)

    def build(self, seed: int) -> MetaAgent:
        """Returns an untrained agent."""
        return self.spec.build(self.suite.spec, self._trial, self._config, _rng("build", seed))

    def train(self, seed: int) -> MetaAgent:
        """Returns a new agent after one training segment."""
        agent = self.build(seed)
        # That training oversteps is the finding of one check, not of all.
        with contextlib.suppress(BudgetExceeded):
            self.train_segment(agent, seed, segment=0, ground=self.ground(seed, segment=0))
        return agent

    def ground(self, seed: int, *, segment: int, steps: int = 0, issued: int = 0) -> TrainingGround:
        """Returns the ground of one of two training segments."""
        return TrainingGround(
            self.suite,
            trial=self._trial,
            budget=2 * self.steps,
            until=(segment + 1) * self.steps,
            key=("conformance", self.spec.id, seed),
            segment=segment,
            steps=steps,
            issued=issued,
            division=self.spec.division,
            num_threads=1,
        )

    def train_segment(self, agent: MetaAgent, seed: int, *, segment: int, ground: TrainingGround) -> None:
        """Trains until the segment's end."""
        agent.meta_train(ground, until=ground.until, rng=_rng("train", seed, segment))

    def reload(self, agent: MetaAgent, *, training: bool = False) -> MetaAgent:
        """Returns a new agent that has read what this one saved; with ``training``, also its training state."""
        fresh = self.build(1)
        with tempfile.TemporaryDirectory() as name:
            for part, save, load in (
                ("weights", agent.save, fresh.load),
                ("training", agent.save_training, fresh.load_training),
            ):
                if part == "weights" or training:
                    folder = Path(name) / part
                    folder.mkdir()
                    save(folder)
                    load(folder)
        return fresh

    def start(self, agent: MetaAgent, worlds: Worlds, *, seed: int = 0) -> Adaptation:
        """Returns fresh within-trial state."""
        privileged = worlds.privileged_parameters() if self.spec.division == "privileged" else None
        return agent.start_trials(worlds.num_envs, rng=_rng("trial", seed), privileged=privileged)

    def worlds(self, order: tuple[int, ...] = tuple(range(NUM_WORLDS))) -> Worlds:
        """Returns worlds with four training tasks, in this order."""
        tasks = sample(self.suite, NUM_WORLDS, purpose="agent")
        worlds = self.suite.make_worlds(NUM_WORLDS, num_threads=1)
        worlds.set_tasks([tasks[i] for i in order])
        return worlds

    def play_trial(
        self,
        agent: MetaAgent,
        *,
        seed: int = 0,
        order: tuple[int, ...] = tuple(range(NUM_WORLDS)),
        cut: tuple[int, int] | None = None,
    ) -> NDArray[np.float64]:
        """Plays a whole trial: all adaptation episodes, then one evaluation episode from a fork.

        Args:
            agent: Who plays.
            seed: Of the agent's stream.
            order: Which of the four tasks, with their initial states, each world plays.
            cut: A world and the step at which its episodes end early.

        Returns:
            Actions as the agent chose them [episodes, horizon, worlds, action], 0 where a world had ended.
        """
        worlds = self.worlds(order)
        adaptation = self.start(agent, worlds, seed=seed)
        played = [
            play_episode(worlds, adaptation, episode=episode, order=order, cut=cut)
            for episode in range(ADAPTATION_EPISODES)
        ]
        fork = adaptation.fork()
        played.append(play_episode(worlds, fork, episode=ADAPTATION_EPISODES, phase="evaluation", order=order, cut=cut))
        return np.stack(played)


def play_episode(
    worlds: Worlds,
    adaptation: Adaptation,
    *,
    episode: int,
    phase: Phase = "adaptation",
    order: tuple[int, ...] = tuple(range(NUM_WORLDS)),
    cut: tuple[int, int] | None = None,
) -> NDArray[np.float64]:
    """Plays one episode as the harness does, and returns the actions [horizon, worlds, action], 0 where ended.

    Actions that are not finite are executed as 0: that they happen is the finding of one check, not of all.
    """
    world_seeds = seeds(NUM_WORLDS, first=NUM_WORLDS * episode)
    observations, _ = worlds.reset(seed=[world_seeds[i] for i in order])
    adaptation.begin_episode(observations.copy(), episode=episode, phase=phase)
    active = np.ones(worlds.num_envs, np.bool_)
    log = np.zeros((worlds.suite.horizon, worlds.num_envs, *worlds.suite.action_space.shape))
    for step in range(worlds.suite.horizon):
        if not active.any():
            break
        actions = adaptation.act(observations.copy(), active=active.copy(), explore=phase == "adaptation")
        log[step, active] = _checked(actions, worlds)[active]
        finite = np.where(np.isfinite(log[step]), log[step], 0.0)
        executed = np.clip(finite, worlds.suite.action_space.low, worlds.suite.action_space.high)
        following, rewards, terminated, truncated, _ = worlds.step(executed)
        if cut is not None and step >= cut[1]:
            terminated[cut[0]] = True
        following[~active] = observations[~active]
        adaptation.observe(
            Transition(
                observation=observations,
                action=executed,
                reward=np.where(active, rewards, 0.0),
                terminated=terminated.copy(),
                truncated=truncated.copy(),
                next_observation=following.copy(),
                active=active.copy(),
            )
        )
        active &= ~(terminated | truncated)
        observations = following
    adaptation.end_episode()
    return log


def _checked(actions: Any, worlds: Worlds) -> NDArray[np.float64]:
    array = np.asarray(actions)
    shape = (worlds.num_envs, *worlds.suite.action_space.shape)
    expect(
        array.dtype.kind in "fiu" and array.shape == shape,
        f"act returned {array.dtype}{array.shape}; expected numbers of shape {shape}.",
    )
    return array.astype(np.float64)


def _rng(purpose: str, *key: int) -> np.random.Generator:
    return seeding.generator("conformance", purpose, *key)
