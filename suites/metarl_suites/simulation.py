"""Steps many MuJoCo worlds at once: the only place of the suites that steps physics.

One environment step is ``frame_skip`` substeps with the solver's warm start zeroed at its beginning. MuJoCo's full
physics state is then the whole Markov state: snapshots, partial resets and replays are exact, whatever the number of
worlds and threads.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import mujoco
import numpy as np
from mujoco.rollout import Rollout
from numpy.typing import NDArray
from typing_extensions import override

from metarl_bench.errors import ContractError
from metarl_bench.tasks import SuiteSpec
from metarl_bench.worlds import BatchedWorlds, Bools, WorldIndex
from metarl_suites.crew import Crew

_FULL = mujoco.mjtState.mjSTATE_FULLPHYSICS
# Sizes of names and comments: they may differ between the models of a batch.
_TEXT_SIZES = frozenset({"nnames", "nnames_map", "npaths", "ntext", "ntextdata", "nbuffer"})
# Those of geoms: a model may have fewer than the first one, see ``_check_sizes``.
_GEOM_SIZES = frozenset({"ngeom", "nbvh", "nbvhstatic"})


class BatchSimulator:
    """A batch of MuJoCo worlds, one model each, on a persistent crew of threads.

    Attributes:
        state: Full physics state [num_worlds, state]: time, qpos, qvel, act. Write rows to reset worlds.
        qpos: View of the positions in ``state`` [num_worlds, nq].
        qvel: View of the velocities in ``state`` [num_worlds, nv].
        sensors: Sensor values of the last step [num_worlds, nsensordata]; they lag the state by one substep.
        sensor_history: Those of all its substeps [num_worlds, frame_skip, nsensordata].
        step_s: Seconds of one environment step.
    """

    def __init__(self, models: Sequence[mujoco.MjModel], *, frame_skip: int, num_threads: int = 0) -> None:
        """Makes the worlds.

        Args:
            models: One per world; the same object may stand many times. All sizes must be equal, but for geoms: of
                these the first must have the most. They are read at every step, so that whoever writes into one
                changes its worlds.
            frame_skip: Substeps of one environment step.
            num_threads: Threads that step physics; 0 takes one per core. Results do not depend on it.
        """
        first = models[0]
        self._models = list(models)
        self._sizes = _sizes(first)
        self._check_sizes(range(len(models)), models)
        self._frame_skip = frame_skip
        self._crew = Crew(min(num_threads or os.cpu_count() or 1, len(models)))
        self._rollout = Rollout(nthread=0)  # steps on the thread that calls it
        self._datas = [[mujoco.MjData(first)] for _ in range(self._crew.num_threads)]
        size = mujoco.mj_stateSize(first, _FULL)
        batch = len(models)
        self.state = np.zeros((batch, size))
        self.qpos = self.state[:, 1 : 1 + first.nq]
        self.qvel = self.state[:, 1 + first.nq : 1 + first.nq + first.nv]
        self.sensor_history = np.zeros((batch, frame_skip, first.nsensordata))
        self.sensors = self.sensor_history[:, -1]
        self.step_s = frame_skip * first.opt.timestep
        # Buffers that MuJoCo writes every substep into; batches of fewer worlds use their first rows.
        self._controls = np.zeros((batch, frame_skip, first.nu))
        self._states = np.zeros((batch, frame_skip, size))
        self._sensors = np.zeros((batch, frame_skip, first.nsensordata))
        initial = np.zeros(size)
        mujoco.mj_getState(first, mujoco.MjData(first), initial, _FULL)
        self.initial_state = initial

    def set_models(self, worlds: NDArray[np.intp], models: Sequence[mujoco.MjModel]) -> None:
        """Gives some worlds other models of the same sizes, or with fewer geoms than the first."""
        self._check_sizes(worlds, models)
        for world, model in zip(worlds, models, strict=True):
            self._models[world] = model

    def step(self, worlds: WorldIndex, controls: NDArray[np.float64]) -> Bools:
        """Takes one environment step in some worlds.

        Args:
            worlds: Which; ``slice(None)`` for all of them is the fast path.
            controls: Held over the substeps [len(worlds), nu].

        Returns:
            Whether each stepped world is still sound; False where MuJoCo met NaN or diverged.
        """
        start = self.state[worlds]
        clock = start[:, 0].copy()
        count = len(start)
        models = self._models if count == len(self._models) else [self._models[world] for world in _indices(worlds)]

        def advance(thread: int, part: slice) -> None:
            self._controls[part] = controls[part, np.newaxis]
            self._rollout.rollout(
                models[part],
                self._datas[thread],
                start[part],
                self._controls[part],
                skip_checks=True,
                nstep=self._frame_skip,
                state=self._states[part],
                sensordata=self._sensors[part],
            )

        self._crew.run(advance, count)
        self.state[worlds] = self._states[:count, -1]
        self.sensor_history[worlds] = self._sensors[:count]
        # A world that MuJoCo warned about is reset or left where it was: its clock shows it.
        elapsed: NDArray[np.float64] = self._states[:count, -1, 0] - clock
        sound: Bools = np.abs(elapsed - self.step_s) < 0.5 * self.step_s / self._frame_skip
        return sound

    def scene(self, world: int) -> tuple[mujoco.MjModel, mujoco.MjData]:
        """Returns a world's model, and data in its state of now, as pictures need them."""
        model = self._models[world]
        data = mujoco.MjData(model)
        mujoco.mj_setState(model, data, self.state[world], _FULL)
        mujoco.mj_forward(model, data)
        return model, data

    def close(self) -> None:
        """Ends the threads."""
        self._crew.close()

    def _check_sizes(self, worlds: Sequence[int] | range | NDArray[np.intp], models: Sequence[mujoco.MjModel]) -> None:
        # MuJoCo's rollout checks four sizes and crashes the process where others differ, so all are checked here. Data
        # are laid out for the first model, and MuJoCo counts by the sizes of the model that it steps: room for more
        # geoms than that has stays unused.
        seen: set[int] = set()
        for world, model in zip(worlds, models, strict=True):
            if id(model) in seen:
                continue
            seen.add(id(model))
            for name, size in sorted(_sizes(model).items() - self._sizes.items()):
                most = self._sizes[name]
                if size > most or name not in _GEOM_SIZES:
                    raise ContractError(
                        f"The model of world {world} has {name} = {size}; expected {most} as in the first model (of "
                        "geoms, as many or fewer). Pad models with parked, non-colliding parts, or put the one with "
                        "the most geoms first."
                    )


class SimulatedWorlds(BatchedWorlds):
    """Worlds that a simulator steps.

    Args:
        suite: What they are worlds of.
        simulator: As many worlds.
    """

    def __init__(self, suite: SuiteSpec, simulator: BatchSimulator) -> None:
        super().__init__(suite, len(simulator.state))
        self._simulator = simulator

    @override
    def close(self, **kwargs: Any) -> None:
        self._simulator.close()

    @override
    def scene(self, world: int) -> tuple[mujoco.MjModel, mujoco.MjData]:
        return self._simulator.scene(world)


def _indices(worlds: WorldIndex) -> NDArray[np.intp]:
    if isinstance(worlds, slice):
        raise ContractError("A slice must select all worlds; pass an array of indices for some of them.")
    return worlds


def _sizes(model: mujoco.MjModel) -> dict[str, Any]:
    names = (name for name in dir(model) if name.startswith("n") and name not in _TEXT_SIZES)
    return {name: value for name in names if isinstance(value := getattr(model, name), int)}
