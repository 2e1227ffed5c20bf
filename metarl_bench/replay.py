"""Plays the evidence of a meta-test again in the simulator, without any agent, and compares it with the records.

All segments run side by side in a few large batches: each starts from its own snapshot, so nothing has to wait for what
came before it. That a segment starts where the one before it ended, and the first one at the protocol's reset, is
checked, so good segments of different episodes cannot be put together. It proves that the trajectories are genuine, not
that an agent chose them.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metarl_bench.episodes import Episode, EpisodeLog, Play, reset_seeds, schedule, trial_places
from metarl_bench.errors import BenchError
from metarl_bench.evidence import SEGMENT, Evidence
from metarl_bench.opening import open_worlds
from metarl_bench.protocols import ResolvedProtocol
from metarl_bench.records import Rows
from metarl_bench.tasks import Split, Suite, Task
from metarl_bench.worlds import Worlds

# Worlds that are replayed side by side: enough to be fast, few enough for a world that needs megabytes.
LARGEST_BATCH = 1200
# How far a segment may drift on another machine, relative to the largest number of the same array (or to 1).
SEGMENT_TOLERANCE = 1e-4
MOST_PROBLEMS = 20


@dataclass
class Replay:
    """What a replay found.

    Attributes:
        problems: One line for each thing that is not as recorded, the episode named; at most ``MOST_PROBLEMS``.
        episodes: Episodes that were compared.
        steps: Environment steps that were simulated, over all worlds.
        drift: Largest relative difference between what was recorded and what the simulator did; 0 where bit-exact.
    """

    problems: list[str] = field(default_factory=list)
    episodes: int = 0
    steps: int = 0
    drift: float = 0.0

    def add(self, problem: str) -> None:
        """Adds a problem, if there is still room for it."""
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(problem)


@dataclass(frozen=True)
class _Segment:
    """Some steps of one episode of the batch: ``rows`` of the evidence, from snapshot ``number`` on."""

    number: int
    play: int
    rows: slice
    last: bool


def replay(
    evidence: Evidence,
    rows: Rows,
    suite: Suite,
    resolved: ResolvedProtocol,
    split: Split,
    *,
    exact: bool,
    num_threads: int = 0,
) -> Replay:
    """Compares evidence and records with what the simulator does.

    Args:
        evidence: As recorded.
        rows: The records of the same meta-test, one per (task, trial, shot, episode).
        suite: Where it was played.
        resolved: By which rules.
        split: On which tasks.
        exact: Whether everything must agree bit for bit, as on the machine that recorded it, or within
            ``SEGMENT_TOLERANCE`` for each segment.
        num_threads: Physics threads; 0 takes one per core.

    Raises:
        ConfigError: If the number of threads is below 0.
    """
    found = Replay()
    player = _Player(evidence, suite, resolved, split, found, exact=exact, num_threads=num_threads)
    if player.shapes_fit():
        player.check_resets()
        player.check_segments()
        player.check_records(rows)
    return found


class _Player:
    """The steps of a replay."""

    def __init__(
        self,
        evidence: Evidence,
        suite: Suite,
        resolved: ResolvedProtocol,
        split: Split,
        found: Replay,
        *,
        exact: bool,
        num_threads: int,
    ) -> None:
        self._evidence = evidence
        self._suite = suite
        self._resolved = resolved
        self._split: Split = split
        self._found = found
        self._tolerance = 0.0 if exact else SEGMENT_TOLERANCE
        self._num_threads = num_threads
        self._places = trial_places(resolved, split)
        self._plays = schedule(resolved)
        self._segments = _cut(evidence.steps) if self._steps_fit() else []
        total = len(evidence.rewards)
        self._flags = {name: np.zeros((total, len(self._places)), np.bool_) for name in ("success", "invalid", "ended")}
        self._simulated = np.zeros((total, len(self._places)))

    # -- shapes ------------------------------------------------------------------------------------------------------

    def _steps_fit(self) -> bool:
        steps = self._evidence.steps
        if steps.shape != (len(self._plays),) or (steps < 0).any() or (steps > self._resolved.horizon).any():
            self._found.add(
                f"The evidence has episodes of {steps.tolist()[:9]} steps; expected {len(self._plays)} of at most "
                f"{self._resolved.horizon}."
            )
            return False
        return True

    def shapes_fit(self) -> bool:
        """Returns whether the arrays have the shapes that the protocol asks for."""
        evidence, total, worlds = self._evidence, int(self._evidence.steps.sum()), len(self._places)
        expected: dict[str, tuple[NDArray[Any], tuple[int, ...]]] = {
            "actions": (evidence.actions, (total, worlds, *self._suite.spec.action_space.shape)),
            "rewards": (evidence.rewards, (total, worlds)),
            "active": (evidence.active, (total, worlds)),
        }
        for name, array in evidence.snapshots.items():
            expected[name] = (array, (len(self._segments), worlds, *array.shape[2:]))
        for name, (array, shape) in expected.items():
            if array.shape != shape:
                self._found.add(f"The evidence has {name} of shape {array.shape}; expected {shape}.")
            elif array.dtype.kind == "f" and not np.isfinite(array).all():
                self._found.add(f"The evidence has {name} that are NaN or infinite; expected finite numbers.")
        return not self._found.problems

    # -- physics -----------------------------------------------------------------------------------------------------

    def check_resets(self) -> None:
        """Checks that every episode begins with the protocol's reset."""
        firsts = {segment.play: segment for segment in reversed(self._segments)}
        with self._worlds([task for task, _ in self._places]) as worlds:
            for number, play in enumerate(self._plays):
                worlds.reset(seed=reset_seeds(self._resolved, self._split, play))
                if number in firsts:
                    what = "does not begin with the protocol's reset"
                    self._compare_states(worlds.snapshot(), [firsts[number]], what)

    def check_segments(self) -> None:
        """Simulates all segments, some at a time; keeps rewards and flags, and compares where they end."""
        at_once = max(1, LARGEST_BATCH // len(self._places))
        for first in range(0, len(self._segments), at_once):
            segments = self._segments[first : first + at_once]
            with self._worlds([task for task, _ in self._places] * len(segments)) as worlds:
                try:
                    worlds.restore({name: self._states(name, segments) for name in self._evidence.snapshots})
                except BenchError as error:
                    self._found.add(f"The evidence has snapshots that do not fit the suite: {error}")
                    return
                self._simulate(worlds, segments)

    def _simulate(self, worlds: Worlds, segments: Sequence[_Segment]) -> None:
        count, shape = len(self._places), self._suite.spec.action_space.shape
        for time in range(max(segment.rows.stop - segment.rows.start for segment in segments)):
            running = [
                (i, segment) for i, segment in enumerate(segments) if segment.rows.start + time < segment.rows.stop
            ]
            actions = np.zeros((len(segments), count, *shape))
            for i, segment in running:
                actions[i] = self._evidence.actions[segment.rows.start + time]
            _, rewards, terminated, truncated, infos = worlds.step(actions.reshape(-1, *shape))
            self._found.steps += len(running) * count
            results = {"success": infos["success"], "invalid": infos["invalid"], "ended": terminated | truncated}
            for i, segment in running:
                row, part = segment.rows.start + time, slice(i * count, (i + 1) * count)
                self._simulated[row] = rewards[part]
                for name, values in results.items():
                    self._flags[name][row] = values[part]
        state = worlds.snapshot()
        for i, segment in enumerate(segments):
            if not segment.last:
                ended = {name: array[i * count : (i + 1) * count] for name, array in state.items()}
                following = self._segments[segment.number + 1]
                self._compare_states(ended, [following], "does not begin where the one before it ends")

    def _worlds(self, tasks: Sequence[Task]) -> AbstractContextManager[Worlds]:
        return open_worlds(self._suite, tasks, num_threads=self._num_threads)

    def _states(self, name: str, segments: Sequence[_Segment]) -> NDArray[Any]:
        array = self._evidence.snapshots[name][[segment.number for segment in segments]]
        return array.reshape(-1, *array.shape[2:])

    def _compare_states(self, state: dict[str, NDArray[Any]], segments: Sequence[_Segment], what: str) -> None:
        if set(state) != set(self._evidence.snapshots):
            self._found.add(f"The snapshots hold {sorted(self._evidence.snapshots)}; expected {sorted(state)}.")
            return
        for name, array in state.items():
            recorded = self._states(name, segments)
            if recorded.shape != array.shape or recorded.dtype != array.dtype:
                self._found.add(f"The snapshots have {name} as {recorded.dtype}; expected {array.dtype}.")
                return
            for world in np.flatnonzero(self._differs(array, recorded)):
                start = segments[0].rows.start - self._start(segments[0].play)
                self._found.add(
                    f"{self._name(segments[0].play, int(world))}: the segment at step {start} {what} ({name})."
                )
                return

    def _differs(self, one: NDArray[Any], other: NDArray[Any]) -> NDArray[np.bool_]:
        """Returns which rows differ by more than is allowed; notes how far they are apart."""
        axes = tuple(range(1, one.ndim))
        if one.dtype.kind != "f":
            return np.asarray((one != other).any(axis=axes))
        scale = max(1.0, float(np.abs(one).max(initial=0.0)))
        drift = np.abs(one - other).max(axis=axes, initial=0.0) / scale
        self._found.drift = max(self._found.drift, float(drift.max(initial=0.0)))
        return np.asarray(drift > self._tolerance)

    # -- records -----------------------------------------------------------------------------------------------------

    def check_records(self, rows: Rows) -> None:
        """Checks rewards step by step, and what the records say about each episode."""
        by_place = {(row["phase"], row["shot"], row["episode"], row["task"], row["trial"]): row for row in rows}
        for number, play in enumerate(self._plays):
            episode = self._episode(number)
            for world, (task, trial) in enumerate(self._places):
                row = by_place.get((*play, task.index, trial))
                if row is None:
                    self._found.add(f"{self._name(number, world)}: no record.")
                else:
                    self._compare_record(row, episode, number, world)
                self._found.episodes += 1

    def _episode(self, number: int) -> Episode:
        """Returns an episode summed up as the meta-test does, from what the simulator did."""
        log = EpisodeLog(len(self._places), self._resolved.horizon)
        start = self._start(number)
        named = False  # one problem an episode is enough: what follows a wrong step is wrong, too
        for row in range(start, start + int(self._evidence.steps[number])):
            log.fail(~self._evidence.active[row])
            if not named:
                named = self._compare_step(row, log.active, number)
            flags = {name: self._flags[name][row] for name in ("success", "invalid")}
            log.add(self._simulated[row], flags | {"clipped": np.False_}, ended=self._flags["ended"][row])
        if log.running:
            log.fail_rest()
        return log.result(self._resolved.failure_return)

    def _compare_step(self, row: int, active: NDArray[np.bool_], number: int) -> bool:
        """Checks what a step paid in the worlds that it counts in; returns whether there was a problem."""
        recorded, simulated = self._evidence.rewards[row], self._simulated[row]
        late = np.flatnonzero(self._evidence.active[row] & ~active)
        wrong = np.flatnonzero(active & self._differs(simulated, recorded))
        step = row - self._start(number)
        if len(late):
            self._found.add(f"{self._name(number, int(late[0]))}: step {step} counts after the episode's end.")
        if len(wrong):
            paid, expected = float(recorded[wrong[0]]), float(simulated[wrong[0]])
            self._found.add(f"{self._name(number, int(wrong[0]))}: step {step} paid {paid!r}; expected {expected!r}.")
        return bool(len(late) or len(wrong))

    def _compare_record(self, row: dict[str, Any], episode: Episode, number: int, world: int) -> None:
        name = self._name(number, world)
        if episode.failed[world] and not row["failed"]:
            self._found.add(f"{name}: recorded as sound; expected failed.")
            return
        # Failing never pays, so what an agent's record admits is believed.
        failed = bool(row["failed"])
        expected = self._resolved.failure_return if failed else float(episode.returns[world])
        allowed = self._tolerance * max(1.0, abs(expected)) * self._resolved.horizon
        if not abs(row["return"] - expected) <= allowed:
            self._found.add(f"{name}: the record has the return {row['return']!r}; expected {expected!r}.")
        if row["success"] != (bool(episode.success[world]) and not failed):
            self._found.add(f"{name}: the record has success {row['success']}; expected {not row['success']}.")
        at_end = bool(episode.success_at_end[world]) and not failed
        if row.get("success_at_end", at_end) != at_end:
            self._found.add(f"{name}: the record has success {not at_end} at the last step; expected {at_end}.")
        if row["length"] != episode.lengths[world]:
            self._found.add(f"{name}: the record has {row['length']} steps; expected {episode.lengths[world]}.")

    def _start(self, number: int) -> int:
        return int(self._evidence.steps[:number].sum())

    def _name(self, number: int, world: int) -> str:
        (task, trial), play = self._places[world], self._plays[number]
        return f"{self._split} task {task.index}, trial {trial}, {_describe(play)}"


def _describe(play: Play) -> str:
    if play.phase == "adaptation":
        return f"adaptation episode {play.shot}"
    return f"evaluation episode {play.episode} after shot {play.shot}"


def _cut(steps: NDArray[np.int64]) -> list[_Segment]:
    """Cuts the episodes into segments, in the order of their snapshots."""
    segments: list[_Segment] = []
    begin = 0
    for play, length in enumerate(steps.tolist()):
        for start in range(0, length, SEGMENT):
            stop = min(start + SEGMENT, length)
            segments.append(_Segment(len(segments), play, slice(begin + start, begin + stop), stop == length))
        begin += length
    return segments
