"""Worlds whose objects differ: the hidden object is the task's, its start and the goal are the episode's."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from metarl_bench.errors import ContractError
from metarl_bench.tasks import SuiteSpec, Task
from metarl_suites.manipulation.kinds import KINDS
from metarl_suites.manipulation.scene import MOVED, Scene, Start
from metarl_suites.manipulation.sights import FRAME_SIZE, Array
from metarl_suites.manipulation.thing_models import (
    BODY,
    FIELDS,
    KIND,
    LOOK,
    Edits,
    bench_model,
    edits,
    make_thing_environment,
    write,
)
from metarl_suites.manipulation.things import SHAPES, Thing
from metarl_suites.manipulation.worlds import ManipulationWorlds

# The object in a frame: its position and its quaternion, x, y, z, w.
_OBJECT = slice(4, 11)
_UPRIGHT = (0.0, 0.0, 0.0, 1.0)


class ObjectWorlds(ManipulationWorlds):
    """Worlds with an object each; the goal shows."""

    def __init__(self, suite: SuiteSpec, num_worlds: int, *, num_threads: int) -> None:
        super().__init__(suite, num_worlds, num_threads=num_threads)
        self._edits: dict[int, Edits] = {}
        # m; where the object starts and where the goal is, in this episode.
        self._places = np.zeros((num_worlds, 6))

    @override
    def restore(self, snapshot: Mapping[str, NDArray[Any]]) -> None:
        super().restore(snapshot)
        for world in np.flatnonzero(self._begun).tolist():
            self._set_start(world, placed(self._edits[world], self._places[world]))

    @override
    def _check(self, task: Task) -> None:
        thing = Thing.of(task)
        if thing.shape not in SHAPES or not all(0.0 < number < np.inf for number in thing[1:]):
            raise ContractError(
                f"A task of {self.suite.id} has the object {thing}; expected positive numbers and one of the shapes "
                f"{', '.join(SHAPES)}."
            )

    @override
    def _assign(self, worlds: NDArray[np.intp], tasks: Sequence[Task]) -> None:
        for world, task in zip(worlds.tolist(), tasks, strict=True):
            self._edits[world] = edits(Thing.of(task))
            self._enter(world, KIND, _empty_handed())

    @override
    def _make_scene(self, kind: str) -> Scene:
        return Scene(make_thing_environment(), FIELDS, LOOK)

    @override
    def _begin(self, worlds: NDArray[np.intp], rngs: Sequence[np.random.Generator]) -> None:
        for world, rng in zip(worlds.tolist(), rngs, strict=True):
            self._places[world] = _draw(rng)
            self._set_start(world, placed(self._edits[world], self._places[world]))
        super()._begin(worlds, rngs)

    @override
    def _observe(self) -> NDArray[np.float32]:
        observations = super()._observe()
        observations[:, 2 * FRAME_SIZE :] = self._places[:, 3:]
        return observations

    @override
    def _state(self) -> dict[str, NDArray[Any]]:
        return super()._state() | {"places": self._places}


def placed(written: Edits, places: Array) -> Start:
    """Returns how an episode with an object begins: as Meta-World's reset leaves it, which puts the object down last.

    Args:
        written: The object.
        places: m; where the object starts and where the goal is [6].
    """
    before, model = _empty_handed(), bench_model()
    joint = model.body(BODY).jntadr[0]
    first, speed = 1 + model.jnt_qposadr[joint], 1 + model.nq + model.jnt_dofadr[joint]
    state, frames = before.state.copy(), before.frames.copy()
    state[first : first + 7] = (*places[:3], 1.0, 0.0, 0.0, 0.0)
    # Its velocity, and what the solver begins with.
    state[speed : speed + 6] = state[speed + model.nv : speed + model.nv + 6] = 0.0
    for frame in (frames[:FRAME_SIZE], frames[FRAME_SIZE:]):
        frame[_OBJECT] = (*places[:3], *_UPRIGHT)
    moved = [values.copy() for values in before.written[: len(MOVED)]]
    moved[MOVED.index("site_pos")][model.site("goal").id] = places[3:]
    own = {"_last_rand_vec": places.copy(), "obj_init_pos": places[:3].copy(), "_target_pos": places[3:].copy()}
    return Start(
        state=state,
        frames=frames,
        attributes=before.attributes | own,
        written=(*moved, *written.arrays),
        mean_inertia=written.mean_inertia,
        goal=own["_target_pos"],
    )


@functools.cache
def _empty_handed() -> Start:
    """Returns Meta-World's reset with an object of the middle, which the hand does not touch."""
    environment = make_thing_environment()
    write(environment.model, edits(Thing("box", 0.04, 0.04, 0.5, 1.0)))
    return Scene(environment, FIELDS).begin(np.array([0.0, 0.6, 0.02, 0.0, 0.85, 0.2]))


def _draw(rng: np.random.Generator) -> Array:
    """Returns a start and a goal as Meta-World's pick-and-place draws them."""
    kind = KINDS[KIND]
    while True:
        places: Array = rng.uniform(kind.low, kind.high)
        if not kind.too_near(places):
            return places
