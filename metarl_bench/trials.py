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
        while log.running:
            active = log.active.copy()
            # The agent gets copies: what it writes into them changes nothing here.
            actions = adaptation.act(observations.copy(), active=active, explore=explore)
            sound = self._sound(actions, log)
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
            log.add(rewards, infos, ended=terminated | truncated)
            adaptation.observe(transition)
            observations = following

    def _sound(self, actions: Any, log: _EpisodeLog) -> NDArray[np.float64]:
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
            log.fail(~finite.all(axis=1))
        if not log.active.all():
            array[~log.active] = 0.0
        return array

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
    """Keeps what happens in one episode of a batch; sums it up at the end, since little work a step is cheap."""

    def __init__(self, num_worlds: int, horizon: int) -> None:
        self.active = np.ones(num_worlds, np.bool_)
        self.running = True
        self.failed = np.zeros(num_worlds, np.bool_)
        self._time = 0
        self._active = np.zeros((horizon, num_worlds), np.bool_)
        self._flags = {name: np.zeros((horizon, num_worlds), np.bool_) for name in ("success", "clipped", "invalid")}
        self._rewards = np.zeros((horizon, num_worlds))

    def fail(self, worlds: Bools) -> None:
        """Ends the episodes of worlds whose action was no number."""
        self.failed |= self.active & worlds
        self.active &= ~worlds

    def add(self, rewards: NDArray[np.float64], infos: dict[str, Any], *, ended: Bools) -> None:
        """Takes in one step of the active worlds."""
        self._active[self._time] = self.active
        self._rewards[self._time] = rewards
        for name, flags in self._flags.items():
            flags[self._time] = infos[name]
        self._time += 1
        self.active &= ~ended
        self.running = bool(self.active.any())

    def result(self, failure_return: float) -> Episode:
        """Returns the episode; failing never pays."""
        rewards = np.ascontiguousarray(np.where(self._active, self._rewards, 0.0).T)
        success, clipped, invalid = ((flags & self._active).sum(axis=0) for flags in self._flags.values())
        failed = self.failed | (invalid > 0)
        return Episode(
            returns=np.where(failed, failure_return, rewards.sum(axis=1)),
            success=(success > 0) & ~failed,
            lengths=self._active.sum(axis=0),
            failed=failed,
            clipped=clipped,
            rewards=rewards,
        )


def _mean_over_sound_worlds(episode: Episode) -> NDArray[np.float64]:
    sound = ~episode.failed
    horizon = episode.rewards.shape[1]
    return episode.rewards[sound].mean(axis=0) if sound.any() else np.full(horizon, np.nan)
