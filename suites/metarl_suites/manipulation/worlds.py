"""Meta-World's environments as a batch of worlds."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from metarl_bench.tasks import SuiteSpec, Task
from metarl_bench.worlds import BatchedWorlds, Bools, Outcome, WorldIndex
from metarl_suites.crew import Crew
from metarl_suites.manipulation.environments import make_environment
from metarl_suites.manipulation.formulas import Formula
from metarl_suites.manipulation.measured import MEASURES
from metarl_suites.manipulation.scene import FINGERS, MOCAP, NOTHING, STATE_SIZE, Scene, Start
from metarl_suites.manipulation.seen import Seen
from metarl_suites.manipulation.sights import (
    FRAME_HIGH,
    FRAME_LOW,
    FRAME_SIZE,
    SEEN_SIZE,
    SIGHT_SIZE,
    Array,
    facts_of,
    frames_of,
)
from metarl_suites.manipulation.suite import goal_of

# m; how far an action of 1 moves the hand's target. Actions are float32 in Meta-World, and so is their product.
_ACTION_SCALE = np.float32(0.01)
# What both fingers make of the grip that an action asks for.
_OPPOSITE = np.array([1.0, -1.0], np.float32)
# By kind and goal vector: resets are played once in a process.
_STARTS: dict[tuple[str, bytes], Start] = {}


class ManipulationWorlds(BatchedWorlds):
    """Worlds of any kinds of task; an episode depends on the task alone, not on the seed."""

    def __init__(self, suite: SuiteSpec, num_worlds: int, *, num_threads: int) -> None:
        super().__init__(suite, num_worlds)
        self._crew = Crew(min(num_threads or os.cpu_count() or 1, num_worlds))
        self._scenes: list[dict[str, Scene]] = [{} for _ in range(self._crew.num_threads)]
        self._kinds = [""] * num_worlds
        self._starts: dict[int, Start] = {}
        self._seen: dict[int, Seen] = {}
        self._sights = np.zeros((num_worlds, SIGHT_SIZE))
        self._turn_sizes = np.zeros(num_worlds, np.intp)
        self._measured = np.zeros(num_worlds, np.bool_)
        self._formulas: dict[int, Formula] = {}
        self._states = np.zeros((num_worlds, STATE_SIZE))
        self._rows: list[Array] = list(self._states)
        self._frames = np.zeros((num_worlds, 2 * FRAME_SIZE))
        self._memory = np.full((num_worlds, 1), NOTHING)
        self._mocap_low, self._mocap_high = np.zeros((num_worlds, 3)), np.zeros((num_worlds, 3))

    @override
    def close(self, **kwargs: Any) -> None:
        self._crew.close()

    @override
    def set_tasks(self, tasks: Sequence[Any], mask: Bools | None = None) -> None:
        for task in tasks:
            if isinstance(task, Task) and task.suite == self.suite.id:
                self._check(task)  # refuses before anything has changed
        super().set_tasks(tasks, mask)

    def _check(self, task: Task) -> None:
        """Raises ``ContractError`` if nobody could play the task."""
        goal_of(self.suite, task)

    def kinds(self) -> list[str]:
        """Returns the kind of each world's task."""
        return list(self._kinds)

    def full_observations(self) -> Array:
        """Returns observations with the goals in their place, float64 [num_worlds, 39]: what scripted experts need."""
        goals = [self._starts[world].goal for world in range(self.num_envs)]
        return np.concatenate([self._clipped(), goals], axis=1)

    @override
    def _assign(self, worlds: NDArray[np.intp], tasks: Sequence[Task]) -> None:
        goals = [goal_of(self.suite, task) for task in tasks]
        missing = {(kind, goal.tobytes()): (kind, goal) for kind, goal in goals}
        missing = {key: goal for key, goal in missing.items() if key not in _STARTS}
        self._find_starts(list(missing.values()))
        for world, (kind, goal) in zip(worlds.tolist(), goals, strict=True):
            self._enter(world, kind, _STARTS[kind, goal.tobytes()])

    def _enter(self, world: int, kind: str, start: Start) -> None:
        """Makes a world one of a kind."""
        scene = self._scene(0, kind)
        self._kinds[world], self._seen[world] = kind, scene.new_seen()
        self._measured[world], self._turn_sizes[world] = kind in MEASURES, scene.turn_size
        self._set_start(world, start)
        self._rows[world] = self._states[world, -scene.state_size :]
        self._mocap_low[world], self._mocap_high[world] = scene.mocap_low, scene.mocap_high

    def _set_start(self, world: int, start: Start) -> None:
        """Sets how the episodes of a world begin, and what rewards them."""
        self._starts[world] = start
        if self._measured[world]:
            self._formulas[world] = MEASURES[self._kinds[world]].reward(start.attributes)

    def _find_starts(self, goals: Sequence[tuple[str, Array]]) -> None:
        """Plays the resets that no worlds of this process have played so far."""

        def begin(thread: int, part: slice) -> None:
            for kind, goal in goals[part]:
                _STARTS[kind, goal.tobytes()] = self._scene(thread, kind).begin(goal)

        self._crew.run(begin, len(goals))

    def _scene(self, thread: int, kind: str) -> Scene:
        scenes = self._scenes[thread]
        if kind not in scenes:
            scenes[kind] = self._make_scene(kind)
        return scenes[kind]

    def _make_scene(self, kind: str) -> Scene:
        return Scene(make_environment(kind), look=MEASURES[kind].look if kind in MEASURES else None)

    @override
    def _begin(self, worlds: NDArray[np.intp], rngs: Sequence[np.random.Generator]) -> None:
        self._states[worlds] = 0.0
        self._memory[worlds] = NOTHING
        for world in worlds.tolist():
            start = self._starts[world]
            self._rows[world][:] = start.state
            self._frames[world] = start.frames

    @override
    def _advance(self, worlds: WorldIndex, actions: NDArray[np.float64]) -> Outcome:
        chosen = np.arange(self.num_envs)[worlds]
        stepped = chosen.tolist()
        exact = actions.astype(np.float32)
        self._control(chosen, exact)
        self._frames[chosen, FRAME_SIZE:] = self._frames[chosen, :FRAME_SIZE]
        rewards = np.zeros(len(stepped))
        success, sound = np.zeros(len(stepped), np.bool_), np.zeros(len(stepped), np.bool_)

        def share(thread: int, part: slice) -> None:
            for place, world in enumerate(stepped[part], start=part.start):
                scene, state = self._scene(thread, self._kinds[world]), self._rows[world]
                sound[place] = scene.advance(self._starts[world], state, self._sights[world], self._seen[world])

        self._crew.run(share, len(stepped))
        measured = self._measured[chosen]
        if (places := np.flatnonzero(sound & measured)).size:
            rewards[places], success[places] = self._measure(chosen[places], exact[places])
        for place in np.flatnonzero(sound & ~measured).tolist():
            world = stepped[place]
            rewards[place], success[place] = self._scene(0, self._kinds[world]).judge(
                self._starts[world], self._seen[world], self._frames[world], self._memory[world], exact[place]
            )
        return Outcome(rewards, terminated=np.zeros(len(stepped), np.bool_), success=success, invalid=~sound)

    def _measure(self, worlds: NDArray[np.intp], actions: NDArray[np.float32]) -> tuple[list[float], list[bool]]:
        """Observes and rewards what worlds with a formula have come to."""
        sights = self._sights[worlds]
        frames = frames_of(sights, self._turn_sizes[worlds])
        self._frames[worlds, :SEEN_SIZE] = frames
        facts = facts_of(sights, frames)
        steps = zip(worlds.tolist(), facts, facts.tolist(), actions[:, 3], strict=True)
        found = [self._formulas[world](known, numbers, grip) for world, known, numbers, grip in steps]
        return [reward for reward, _ in found], [solved for _, solved in found]

    def _control(self, worlds: NDArray[np.intp], actions: NDArray[np.float32]) -> None:
        """Moves the hands' targets and sets the fingers' controls."""
        low, high = self._mocap_low[worlds], self._mocap_high[worlds]
        targets = self._states[worlds, MOCAP] + actions[:, :3] * _ACTION_SCALE
        self._states[worlds, MOCAP] = np.minimum(np.maximum(targets, low), high)
        self._states[worlds, FINGERS] = actions[:, 3:] * _OPPOSITE

    @override
    def _observe(self) -> NDArray[np.float32]:
        observations = np.zeros((self.num_envs, 2 * FRAME_SIZE + 3), np.float32)
        observations[:, : 2 * FRAME_SIZE] = self._clipped()
        return observations

    def _clipped(self) -> Array:
        clipped = self._frames.copy()
        hands = clipped.reshape(-1, 2, FRAME_SIZE)[..., : len(FRAME_LOW)]
        np.clip(hands, FRAME_LOW, FRAME_HIGH, out=hands)
        return clipped

    @override
    def _state(self) -> dict[str, NDArray[Any]]:
        return {"physics": self._states, "frames": self._frames, "memory": self._memory}
