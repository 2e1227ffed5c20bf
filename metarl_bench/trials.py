"""The meta-test: trials of adaptation episodes, with scored episodes played from a fork after each of them.

Exactly one record per (task, trial, shot, episode). Whatever an agent does wrong costs the episode, never the run;
what a suite raises is no agent's fault, and ends the run.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from metarl_bench import seeding
from metarl_bench.agents import Adaptation, AgentSpec, MetaAgent, Transition
from metarl_bench.episodes import Episode, EpisodeLog, Play, reset_seeds, schedule, trial_places
from metarl_bench.evidence import Evidence, Recorder
from metarl_bench.opening import open_worlds
from metarl_bench.protocols import ResolvedProtocol
from metarl_bench.tasks import Split, Suite
from metarl_bench.time_limit import limited_acts
from metarl_bench.worlds import Bools, Worlds


@dataclass
class MetaTest:
    """What a meta-test found on one split.

    Attributes:
        rows: One record per episode: split, task, trial, shot, episode, phase, return, success, length, failed,
            clipped, success_at_end.
        within_trial: Mean reward by environment step since the trial began [K * horizon], failed worlds left out.
        errors: What the agent did wrong, each once: tracebacks of what it raised, and actions that are not finite.
        evidence: What makes the records checkable, if it was asked for.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    within_trial: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    errors: list[str] = field(default_factory=list)
    evidence: Evidence | None = None


class Watcher(Protocol):
    """Looks on while a meta-test is played."""

    def begin(self, play: Play, worlds: Worlds) -> None:
        """Sees all worlds after their reset."""

    def after_step(self, worlds: Worlds, rewards: NDArray[np.float64], active: Bools) -> None:
        """Sees all worlds after a step that counted in the active ones."""


def meta_test(
    agent: MetaAgent,
    spec: AgentSpec,
    suite: Suite,
    resolved: ResolvedProtocol,
    *,
    split: Split,
    seed: int,
    checkpoint: int,
    num_threads: int = 0,
    record_evidence: bool = False,
    watcher: Watcher | None = None,
) -> MetaTest:
    """Plays all trials of one split in one batch, in lockstep.

    Tasks and world seeds depend on the digest alone; the agent's own stream also on agent, seed and checkpoint.

    Raises:
        ConfigError: If the number of threads is below 0.
        Exception: Whatever the suite or the watcher raises.
    """
    places = trial_places(resolved, split)
    found = MetaTest()
    rng = seeding.generator(resolved.digest(), spec.id, seed, "meta-test", split, checkpoint)
    recorder = Recorder() if record_evidence else None
    rewards = []
    with open_worlds(suite, [task for task, _ in places], num_threads=num_threads) as worlds:
        privileged = worlds.privileged_parameters() if spec.division == "privileged" else None
        player = _Player(worlds, resolved, found, split, recorder, watcher)
        adaptation = player.start(agent, rng, privileged)
        fork: Adaptation | None = None
        for play in schedule(resolved):
            if play.phase == "adaptation":
                explore = resolved.adaptation_actions == "sampled"
                rewards.append(_mean_over_sound_worlds(player.play(adaptation, play, seen=play.shot, explore=explore)))
                continue
            if play.episode == 0:
                fork = player.fork(adaptation)
            player.play(fork, play, seen=play.shot + play.episode, explore=resolved.evaluation_actions == "sampled")
    if rewards:
        found.within_trial = np.concatenate(rewards)
    if recorder is not None:
        found.evidence = recorder.evidence(len(places), suite.spec.action_space.shape)
    return found


class _AgentFailed(Exception):  # noqa: N818 - the end of an episode, which nobody sees
    """The agent raised: its episode is over, and recorded as failed."""


class _Charge(AbstractContextManager[None]):
    """What is raised in it costs the agent the episode; for calls of the agent alone.

    A class, since a generator would cost several times as much a step.
    """

    def __init__(self, log: EpisodeLog, note_error: Callable[[], None]) -> None:
        self._log = log
        self._note_error = note_error

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        if kind is not None and issubclass(kind, Exception):
            self._log.fail_rest()
            self._note_error()
            raise _AgentFailed from None


class _Player:
    """Plays episodes of one batch of trials and records them."""

    def __init__(
        self,
        worlds: Worlds,
        resolved: ResolvedProtocol,
        found: MetaTest,
        split: Split,
        recorder: Recorder | None,
        watcher: Watcher | None,
    ) -> None:
        self._worlds = worlds
        self._resolved = resolved
        self._found = found
        self._split = split
        self._recorder = recorder
        self._watcher = watcher
        self._low = worlds.suite.action_space.low.astype(np.float64)
        self._high = worlds.suite.action_space.high.astype(np.float64)

    def start(
        self, agent: MetaAgent, rng: np.random.Generator, privileged: NDArray[np.float64] | None
    ) -> Adaptation | None:
        """Returns the state of the trials, or None if the agent cannot begin them."""
        try:
            return agent.start_trials(self._worlds.num_envs, rng=rng, privileged=privileged)
        except Exception:  # noqa: BLE001 - whatever an agent raises costs its episodes, not the run
            self._note_error()
            return None

    def fork(self, adaptation: Adaptation | None) -> Adaptation | None:
        """Returns an independent copy, or None if the agent cannot make one."""
        try:
            fork = None if adaptation is None else adaptation.fork()
            if adaptation is not None and not isinstance(fork, Adaptation):
                raise TypeError(f"fork returned {type(fork).__name__}; expected an Adaptation")
            return fork
        except Exception:  # noqa: BLE001
            self._note_error()
            return None

    def play(self, adaptation: Adaptation | None, play: Play, *, seen: int, explore: bool) -> Episode:
        """Plays one episode in every world and records it."""
        observations, _ = self._worlds.reset(seed=reset_seeds(self._resolved, self._split, play))
        if self._recorder is not None:
            self._recorder.begin()
        if self._watcher is not None:
            self._watcher.begin(play, self._worlds)
        log = EpisodeLog(self._worlds.num_envs, self._resolved.horizon)
        if adaptation is None:
            log.failed[:] = True
        else:
            charge = _Charge(log, self._note_error)
            with suppress(_AgentFailed):
                with charge:
                    adaptation.begin_episode(observations.copy(), episode=seen, phase=play.phase)
                with limited_acts() as limited:
                    self._steps(adaptation, observations, log, explore, charge, limited)
                with charge:
                    adaptation.end_episode()
        result = log.result(self._resolved.failure_return)
        self._record(result, play)
        return result

    def _note_error(self) -> None:
        """Keeps the traceback of the exception being handled."""
        self._note(traceback.format_exc(limit=-4))

    def _note(self, text: str) -> None:
        if text not in self._found.errors:
            self._found.errors.append(text)

    def _steps(
        self,
        adaptation: Adaptation,
        observations: NDArray[np.float32],
        log: EpisodeLog,
        explore: bool,
        charge: AbstractContextManager[None],
        limited: AbstractContextManager[None],
    ) -> None:
        while log.running:
            active = log.active.copy()
            # The agent gets copies: what it writes into them changes nothing here.
            with charge:
                with limited:
                    actions = adaptation.act(observations.copy(), active=active, explore=explore)
                sound = self._sound(actions, log)
            if self._recorder is not None:
                self._recorder.before_step(self._worlds)
            following, rewards, terminated, truncated, infos = self._worlds.step(sound)
            transition = Transition(
                observation=observations,
                action=np.minimum(np.maximum(sound, self._low), self._high),
                reward=rewards,
                terminated=terminated,
                truncated=truncated,
                next_observation=following.copy(),
                active=log.active.copy(),
            )
            if self._recorder is not None:
                self._recorder.after_step(transition.action, rewards, log.active)
            if self._watcher is not None:
                self._watcher.after_step(self._worlds, rewards, log.active)
            log.add(rewards, infos, ended=terminated | truncated)
            with charge:
                adaptation.observe(transition)
            observations = following

    def _sound(self, actions: Any, log: EpisodeLog) -> NDArray[np.float64]:
        """Returns finite actions, zero where no episode runs.

        A world whose action is not finite fails; a wrong shape or type raises.
        """
        array = np.asarray(actions)
        expected = (self._worlds.num_envs, *self._worlds.suite.action_space.shape)
        if array.dtype.kind not in "fiu" or array.shape != expected:
            raise TypeError(f"act returned {array.dtype}{array.shape}; expected numbers of shape {expected}")
        array = array.astype(np.float64)
        finite = np.isfinite(array)
        if not finite.all():
            wrong = array[~finite & log.active[:, np.newaxis]]
            if wrong.size:
                self._note(f"act returned {wrong[0]}; expected finite numbers: the episode fails")
            log.fail(~finite.all(axis=1))
        if not log.active.all():
            array[~log.active] = 0.0
        return array

    def _record(self, result: Episode, play: Play) -> None:
        for world, (task, trial) in enumerate(trial_places(self._resolved, self._split)):
            self._found.rows.append(
                {
                    "split": self._split,
                    "task": task.index,
                    "trial": trial,
                    "shot": play.shot,
                    "episode": play.episode,
                    "phase": play.phase,
                    "return": float(result.returns[world]),
                    "success": bool(result.success[world]),
                    "length": int(result.lengths[world]),
                    "failed": bool(result.failed[world]),
                    "clipped": int(result.clipped[world]),
                    "success_at_end": bool(result.success_at_end[world]),
                }
            )


def _mean_over_sound_worlds(episode: Episode) -> NDArray[np.float64]:
    sound = ~episode.failed
    horizon = episode.rewards.shape[1]
    return episode.rewards[sound].mean(axis=0) if sound.any() else np.full(horizon, np.nan)
