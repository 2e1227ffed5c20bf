"""Agents whose behaviour is known: for tests of suites, of the harness, and of whatever users build on both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from metarl_bench import seeding
from metarl_bench.agents import Adaptation, AgentSpec, Division, MetaAgent, Phase, Transition
from metarl_bench.metering import TrainingGround
from metarl_bench.protocols import Protocol
from metarl_bench.tasks import Split, Suite, SuiteSpec
from metarl_bench.trials import MetaTest, meta_test

Script = Callable[[NDArray[np.float32], int, int], Any]
"""Returns actions from observations [worlds, observation], the episode's number in the trial, and the step in it."""


def random_script(suite: SuiteSpec, *, seed: int) -> Script:
    """Returns a script of uniformly random actions."""
    low, high = suite.action_space.low, suite.action_space.high
    rng = seeding.generator("random script", seed)
    return lambda observations, episode, step: rng.uniform(low, high, (len(observations), *low.shape))


class UntrainedAgent(MetaAgent):
    """An agent without weights: training returns at once, saving and loading do nothing."""

    @override
    def meta_train(self, ground: TrainingGround, *, until: int, rng: np.random.Generator) -> None:
        pass

    @override
    def save(self, folder: Path) -> None:
        pass

    @override
    def load(self, folder: Path) -> None:
        pass


class ScriptedAgent(UntrainedAgent):
    """Plays a script; the harness meets whatever the script returns or raises."""

    def __init__(self, script: Script) -> None:
        self._script = script

    @override
    def start_trials(
        self, num_worlds: int, *, rng: np.random.Generator, privileged: NDArray[np.float64] | None = None
    ) -> Adaptation:
        return _ScriptedAdaptation(self._script)


class _ScriptedAdaptation(Adaptation):
    def __init__(self, script: Script) -> None:
        self._script = script
        self._episode = 0
        self._step = 0

    @override
    def begin_episode(self, observations: NDArray[np.float32], *, episode: int, phase: Phase) -> None:
        self._episode = episode
        self._step = 0

    @override
    def act(self, observations: NDArray[np.float32], *, active: NDArray[np.bool_], explore: bool) -> Any:
        actions = self._script(observations, self._episode, self._step)
        self._step += 1
        return actions

    @override
    def fork(self) -> Adaptation:
        return _ScriptedAdaptation(self._script)


class CountingAgent(MetaAgent):
    """Acts at random and counts all that it sees, over all trials and forks.

    Attributes:
        counts: Calls by the method's name; ``adaptation steps``, ``evaluation steps`` and ``training steps`` count
            steps of single worlds.
    """

    def __init__(self, suite: SuiteSpec) -> None:
        self.counts: Counter[str] = Counter()
        self._suite = suite

    @override
    def meta_train(self, ground: TrainingGround, *, until: int, rng: np.random.Generator) -> None:
        """Steps a single world exactly ``until`` the segment's end."""
        self.counts["meta_train"] += 1
        worlds = ground.make_worlds(1)
        space = ground.suite.action_space
        ended = True
        while ground.steps < until:
            if ended:
                worlds.set_tasks(ground.sample_tasks(1))
                worlds.reset()
            *_, terminated, truncated, infos = worlds.step(rng.uniform(space.low, space.high)[None])
            ended = bool(terminated[0] or truncated[0])
            self.counts["training steps"] += int(infos["active"].sum())

    @override
    def start_trials(
        self, num_worlds: int, *, rng: np.random.Generator, privileged: NDArray[np.float64] | None = None
    ) -> Adaptation:
        self.counts["start_trials"] += 1
        return _CountingAdaptation(self.counts, self._suite, rng)

    @override
    def save(self, folder: Path) -> None:
        self.counts["save"] += 1

    @override
    def load(self, folder: Path) -> None:
        self.counts["load"] += 1


class _CountingAdaptation(Adaptation):
    def __init__(self, counts: Counter[str], suite: SuiteSpec, rng: np.random.Generator) -> None:
        self._counts = counts
        self._suite = suite
        self._rng = rng
        self._phase: Phase = "adaptation"

    @override
    def begin_episode(self, observations: NDArray[np.float32], *, episode: int, phase: Phase) -> None:
        self._counts["begin_episode"] += 1
        self._phase = phase

    @override
    def act(
        self, observations: NDArray[np.float32], *, active: NDArray[np.bool_], explore: bool
    ) -> NDArray[np.float64]:
        self._counts["act"] += 1
        space = self._suite.action_space
        return self._rng.uniform(space.low, space.high, (len(observations), *space.shape))

    @override
    def observe(self, transition: Transition) -> None:
        self._counts["observe"] += 1
        self._counts[f"{self._phase} steps"] += int(transition.active.sum())

    @override
    def end_episode(self) -> None:
        self._counts["end_episode"] += 1

    @override
    def fork(self) -> Adaptation:
        self._counts["fork"] += 1
        # The counts are shared on purpose; the stream of random numbers is not.
        (child,) = self._rng.spawn(1)
        return _CountingAdaptation(self._counts, self._suite, child)


def play_trials(
    agent: MetaAgent,
    suite: Suite,
    *,
    adaptation_episodes: int,
    num_tasks: int,
    num_trials: int | None = None,
    evaluation_episodes: int = 1,
    split: Split = "test",
    division: Division = "standard",
    agent_id: str = "scripted",
) -> MetaTest:
    """Returns what the harness's own meta-test finds for an agent, without a cell around it."""
    protocol = Protocol(
        id="conformance",
        purpose="checks",
        adaptation_episodes=adaptation_episodes,
        evaluation_episodes=evaluation_episodes,
        num_tasks=num_tasks,
        num_trials=num_trials or num_tasks,
        checkpoints=(),
        final_splits=(),
    )
    spec = AgentSpec(id=agent_id, kind="reference", summary="", factory="", config="", division=division)
    resolved = protocol.resolve(suite, primary_split=split)
    return meta_test(agent, spec, suite, resolved, split=split, seed=0, checkpoint=0)
