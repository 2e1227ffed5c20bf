"""The meta-test: trials of adaptation episodes, with scored episodes played from a fork after each of them.

Exactly one record per (task, trial, shot, episode). Whatever an agent does wrong costs the episode, never the run.
"""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from metarl_bench import seeding
from metarl_bench.agents import Adaptation, AgentSpec, MetaAgent, Phase, Transition
from metarl_bench.protocols import ResolvedProtocol
from metarl_bench.tasks import Split, Suite, Task
from metarl_bench.worlds import Bools, Worlds


class Episode(NamedTuple):
    """One episode of all worlds of a batch; arrays of shape [worlds], ``rewards`` [worlds, horizon]."""

    returns: NDArray[np.float64]
    success: Bools
    lengths: NDArray[np.int64]
    failed: Bools
    clipped: NDArray[np.int64]
    rewards: NDArray[np.float64]


@dataclass
class MetaTest:
    """What a meta-test found on one split.

    Attributes:
        rows: One record per episode: split, task, trial, shot, episode, phase, return, success, length, failed,
            clipped.
        within_trial: Mean reward by environment step since the trial began [K * horizon], failed worlds left out.
        errors: Tracebacks of what the agent raised, each once.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    within_trial: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    errors: list[str] = field(default_factory=list)


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
) -> MetaTest:
    """Plays all trials of one split in one batch, in lockstep.

    Tasks and world seeds depend on the digest alone; the agent's own stream also on agent, seed and checkpoint.
    """
    tasks = resolved.tasks(split)
    trials = resolved.trials_per_task(split)
    worlds = suite.make_worlds(len(tasks) * trials, num_threads=num_threads)
    worlds.set_tasks([task for task in tasks for _ in range(trials)])
    found = MetaTest()
    rng = seeding.generator(resolved.digest(), spec.id, seed, "meta-test", split, checkpoint)
    privileged = worlds.privileged_parameters() if spec.division == "privileged" else None
    player = _Player(worlds, resolved, found, split, tasks, trials)
    try:
        adaptation: Adaptation | None = agent.start_trials(worlds.num_envs, rng=rng, privileged=privileged)
    except Exception:  # noqa: BLE001 - whatever an agent raises costs its episodes, not the run
        adaptation = None
        player.note_error()
    explore_in_evaluation = resolved.evaluation_actions == "sampled"
    rewards = []
    for shot in range(resolved.adaptation_episodes + 1):
        fork = player.fork(adaptation)
        for episode in range(resolved.evaluation_episodes):
            player.play(fork, "evaluation", shot, episode, seen=shot + episode, explore=explore_in_evaluation)
        if shot < resolved.adaptation_episodes:
            rewards.append(player.play(adaptation, "adaptation", shot, 0, seen=shot, explore=True))
    if rewards:
        found.within_trial = np.concatenate([_mean_over_sound_worlds(episode) for episode in rewards])
    worlds.close()
    return found


class _Player:
    """Plays episodes of one batch of trials and records them."""

    def __init__(
        self,
        worlds: Worlds,
        resolved: ResolvedProtocol,
        found: MetaTest,
        split: Split,
        tasks: Sequence[Task],
        trials: int,
    ) -> None:
        self._worlds = worlds
        self._resolved = resolved
        self._digest = resolved.digest()
        self._found = found
        self._split = split
        self._places = [(task.index, trial) for task in tasks for trial in range(trials)]
        self._low = worlds.suite.action_space.low.astype(np.float64)
        self._high = worlds.suite.action_space.high.astype(np.float64)

    def fork(self, adaptation: Adaptation | None) -> Adaptation | None:
        """Returns an independent copy, or None if the agent cannot make one."""
        try:
            fork = None if adaptation is None else adaptation.fork()
            if adaptation is not None and not isinstance(fork, Adaptation):
                raise TypeError(f"fork returned {type(fork).__name__}; expected an Adaptation")
            return fork
        except Exception:  # noqa: BLE001
            self.note_error()
            return None

    def play(
        self, adaptation: Adaptation | None, phase: Phase, shot: int, episode: int, *, seen: int, explore: bool
    ) -> Episode:
        """Plays one episode in every world and records it."""
        # No shot in the key of evaluation episodes: the same initial states after every shot make the gain sharper.
        place = (phase, episode) if phase == "evaluation" else (phase, shot)
        seeds = [
            seeding.world_seed(self._digest, "trial", self._split, task, trial, *place) for task, trial in self._places
        ]
        observations, _ = self._worlds.reset(seed=seeds)
        log = _EpisodeLog(self._worlds.num_envs, self._resolved.horizon)
        if adaptation is None:
            log.failed[:] = True
        else:
            try:
                adaptation.begin_episode(observations.copy(), episode=seen, phase=phase)
                self._steps(adaptation, observations, log, explore)
                adaptation.end_episode()
            except Exception:  # noqa: BLE001
                # All that still ran; every world where the agent broke after the last step.
                log.failed |= log.active if log.active.any() else True
                self.note_error()
        result = log.result(self._resolved.failure_return)
        self._record(result, phase, shot, episode)
        return result

    def note_error(self) -> None:
        """Keeps the traceback of the exception being handled."""
        text = traceback.format_exc(limit=-4)
        if text not in self._found.errors:
            self._found.errors.append(text)

    def _steps(
        self, adaptation: Adaptation, observations: NDArray[np.float32], log: _EpisodeLog, explore: bool
    ) -> None:
        while log.active.any():
            # The agent gets copies: what it writes into them changes nothing here.
            actions = adaptation.act(observations.copy(), active=log.active.copy(), explore=explore)
            executed, clipped = self._executed(actions, log)
            before = log.active.copy()
            following, rewards, terminated, truncated, infos = self._worlds.step(executed)
            adaptation.observe(
                Transition(
                    observation=observations,
                    action=executed,
                    reward=np.where(before, rewards, 0.0),
                    terminated=terminated.copy(),
                    truncated=truncated.copy(),
                    next_observation=following.copy(),
                    active=before.copy(),
                )
            )
            log.add(before, rewards, clipped, infos, ended=terminated | truncated)
            observations = following

    def _executed(self, actions: Any, log: _EpisodeLog) -> tuple[NDArray[np.float64], Bools]:
        """Returns clipped actions; worlds whose action is not finite fail, a wrong shape or type raises."""
        array = np.asarray(actions)
        expected = (self._worlds.num_envs, *self._worlds.suite.action_space.shape)
        if array.dtype.kind not in "fiu" or array.shape != expected:
            raise TypeError(f"act returned {array.dtype}{array.shape}; expected numbers of shape {expected}")
        array = array.astype(np.float64)
        finite = np.isfinite(array).all(axis=1)
        log.failed |= log.active & ~finite
        log.active &= finite
        array[~log.active] = 0.0
        executed = np.clip(array, self._low, self._high)
        return executed, (executed != array).any(axis=1)

    def _record(self, result: Episode, phase: Phase, shot: int, episode: int) -> None:
        for world, (task, trial) in enumerate(self._places):
            self._found.rows.append(
                {
                    "split": self._split,
                    "task": task,
                    "trial": trial,
                    "shot": shot,
                    "episode": episode,
                    "phase": phase,
                    "return": float(result.returns[world]),
                    "success": bool(result.success[world]),
                    "length": int(result.lengths[world]),
                    "failed": bool(result.failed[world]),
                    "clipped": int(result.clipped[world]),
                }
            )


class _EpisodeLog:
    """Sums up one episode of a batch while it is played."""

    def __init__(self, num_worlds: int, horizon: int) -> None:
        self.active = np.ones(num_worlds, np.bool_)
        self.failed = np.zeros(num_worlds, np.bool_)
        self._success = np.zeros(num_worlds, np.bool_)
        self._lengths = np.zeros(num_worlds, np.int64)
        self._clipped = np.zeros(num_worlds, np.int64)
        self._rewards = np.zeros((num_worlds, horizon))
        self._time = 0

    def add(
        self, before: Bools, rewards: NDArray[np.float64], clipped: Bools, infos: dict[str, Any], *, ended: Bools
    ) -> None:
        """Takes in one step of the worlds that were active before it."""
        self._rewards[before, self._time] = rewards[before]
        self._time += 1
        self._lengths += before
        self._clipped += clipped & before
        self._success |= infos["success"] & before
        self.failed |= infos["invalid"] & before
        self.active &= ~ended

    def result(self, failure_return: float) -> Episode:
        """Returns the episode; failing never pays."""
        return Episode(
            returns=np.where(self.failed, failure_return, self._rewards.sum(axis=1)),
            success=self._success & ~self.failed,
            lengths=self._lengths,
            failed=self.failed,
            clipped=self._clipped,
            rewards=self._rewards,
        )


def _mean_over_sound_worlds(episode: Episode) -> NDArray[np.float64]:
    sound = ~episode.failed
    horizon = episode.rewards.shape[1]
    return episode.rewards[sound].mean(axis=0) if sound.any() else np.full(horizon, np.nan)
