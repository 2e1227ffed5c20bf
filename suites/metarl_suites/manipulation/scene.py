"""One of Meta-World's environments that plays for many worlds, one after another.

A world is a row of numbers (its physics), its last two frames, and what its task determined at reset. The scene takes
them over, steps, and hands them back, so that a batch needs one environment for each kind and thread, not one for each
world.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import mujoco
import numpy as np
from metaworld.sawyer_xyz_env import SawyerXYZEnv
from numpy.typing import NDArray

from metarl_suites.manipulation.environments import DataViews
from metarl_suites.manipulation.seen import Seen, poses_of
from metarl_suites.manipulation.sights import FRAME_HIGH, FRAME_LOW, FRAME_SIZE, UNTURNED, Array, Look, Sight

FRAME_SKIP = 5
# s; of one environment step.
STEP_S = 0.0125
# What a step depends on: time, qpos, qvel, warm start, controls, mocap position and quaternion, in this order.
_STATE = (
    mujoco.mjtState.mjSTATE_TIME
    | mujoco.mjtState.mjSTATE_QPOS
    | mujoco.mjtState.mjSTATE_QVEL
    | mujoco.mjtState.mjSTATE_WARMSTART
    | mujoco.mjtState.mjSTATE_CTRL
    | mujoco.mjtState.mjSTATE_MOCAP_POS
    | mujoco.mjtState.mjSTATE_MOCAP_QUAT
)
# Numbers of the largest kind's state; a smaller one fills the end of its row.
STATE_SIZE = 1 + 18 + 17 + 17 + 2 + 3 + 4
# Where in a row, from its end, what an action sets.
FINGERS = slice(-9, -7)
MOCAP = slice(-7, -4)
# An attribute that bin-picking sets at the first step of an episode.
_REMEMBERED = "_target_to_obj_init"
# What stands for nothing remembered: what can be is a distance.
NOTHING = -1.0
# What an environment keeps between steps that worlds keep themselves.
_OWN = frozenset(
    {"_prev_obs", "_last_stable_obs", "curr_path_length", "num_resets", "held_tcp", "touching", _REMEMBERED}
)
# What Meta-World's resets write into models: where the bodies of the task are, and its sites.
MOVED = ("body_pos", "site_pos")


class Start(NamedTuple):
    """How an episode of a task begins, as Meta-World's reset leaves it.

    Attributes:
        state: Physics of this kind.
        frames: The first frame, twice.
        attributes: What the environment's Python object holds of the task.
        written: What the task writes into the model, in the order of the scene's ``fields``.
        mean_inertia: The model's, by which MuJoCo judges when its solver is done.
        goal: m; the goal's position, which is hidden from observations.
    """

    state: Array
    frames: Array
    attributes: dict[str, Any]
    written: tuple[NDArray[Any], ...]
    mean_inertia: float
    goal: Array


class Scene:
    """An environment of one kind.

    Args:
        environment: With a model and data of its own.
        fields: Arrays of the model that tasks write into, beside those of ``MOVED``.
        look: What sights show of it; None for a kind that ``judge`` rewards.

    Attributes:
        state_size: Numbers of this kind's state.
        turn_size: Of its sights, as ``frames_of`` takes it.
        mocap_low: m; where the hand's target can be, lower ends.
        mocap_high: m; upper ends.
    """

    def __init__(self, environment: SawyerXYZEnv, fields: tuple[str, ...] = (), look: Look | None = None) -> None:
        self._environment: Any = environment
        self._model = self._environment.model
        self._data = self._environment.data
        self._views = DataViews(self._data)
        self.state_size = mujoco.mj_stateSize(self._model, _STATE)
        self.mocap_low, self.mocap_high = self._environment.mocap_low, self._environment.mocap_high
        self._remembers = hasattr(self._environment, _REMEMBERED)
        self._bound: Start | None = None
        self._played = False
        self._hand = self._data.body("hand").xpos
        self._fingers = self._data.body("rightclaw").xpos, self._data.body("leftclaw").xpos
        self._ends = self._data.site("rightEndEffector").xpos, self._data.site("leftEndEffector").xpos
        self._fields = [getattr(self._model, name) for name in (*MOVED, *fields)]
        self._poses = poses_of(self._data)
        self._sight = None if look is None else Sight(self._data, self._poses, look)
        self.turn_size = UNTURNED if self._sight is None else self._sight.turn_size

    def begin(self, vector: Array) -> Start:
        """Plays Meta-World's own reset for a goal vector."""
        environment = self._environment
        environment.data, environment.held_tcp = self._data, None
        environment._last_rand_vec = vector.copy()
        observation, _ = environment.reset()
        self._bound, self._played = None, True
        state = np.empty(self.state_size)
        mujoco.mj_getState(self._model, self._data, state, _STATE)
        return Start(
            state=state,
            frames=observation[: 2 * FRAME_SIZE].copy(),
            attributes=self._task_attributes(),
            written=tuple(field.copy() for field in self._fields),
            mean_inertia=self._model.stat.meaninertia,
            goal=environment._get_pos_goal().copy(),
        )

    def new_seen(self) -> Seen:
        """Returns room for what ``judge`` needs of a world."""
        return Seen(len(self._poses) if self._sight is None else 0)

    def advance(self, start: Start, state: Array, sight: Array, seen: Seen) -> bool:
        """Steps the physics of a world.

        Args:
            start: How its episode began.
            state: Its physics, with controls and mocap position of this step; becomes those after it.
            sight: Becomes what this shows, in kinds that have sights.
            seen: Becomes what ``judge`` needs, of this scene or of another one of the kind, in all others.

        Returns:
            Whether the world is still sound.
        """
        self._bind_physics(start)
        before = state[0]
        mujoco.mj_setState(self._model, self._data, state, _STATE)
        mujoco.mj_step(self._model, self._data, FRAME_SKIP)
        mujoco.mj_forward(self._model, self._data)
        mujoco.mj_getState(self._model, self._data, state, _STATE)
        if self._sight is not None:
            self._sight.read(sight)
        else:
            seen.poses[:] = self._poses
            seen.touching = self._environment.feels_object()
        # MuJoCo begins again at time 0 where it met NaN or diverged.
        return bool(abs(state[0] - before - STEP_S) <= 0.1 * STEP_S)

    def judge(
        self, start: Start, seen: Seen, frames: Array, memory: Array, action: NDArray[np.float32]
    ) -> tuple[float, bool]:
        """Observes and rewards what a world has come to, with Meta-World's own functions.

        Apart from ``advance``, so that this code runs for one world after another: between steps of physics, which
        leave none of it in the processor's caches, it is slower.

        Args:
            start: How its episode began.
            seen: What ``advance`` left.
            frames: Its last frame, twice; the first one becomes the new one.
            memory: One number: what the environment remembered at an earlier step, or ``NOTHING``.
            action: As the policy gave it [4].

        Returns:
            The reward, and whether this step ends in success.
        """
        environment = self._environment_of(start, seen)
        self._poses[:] = seen.poses
        environment.touching = seen.touching
        environment.held_tcp = (self._ends[0] + self._ends[1]) / 2.0
        frame = self._see(environment)
        frames[: len(frame)] = frame
        if self._remembers:
            setattr(environment, _REMEMBERED, None if memory[0] == NOTHING else float(memory[0]))
        reward, info = environment.evaluate_state(_clipped(frames, *frame[:3]), action)
        if self._remembers:
            remembered = getattr(environment, _REMEMBERED)  # box-close has a place for it, and leaves it empty
            memory[0] = NOTHING if remembered is None else remembered
        return reward, info["success"] > 0.0

    def _bind_physics(self, start: Start) -> None:
        if self._bound is start:
            return
        self._play_once(start)
        for field, values in zip(self._fields, start.written, strict=True):
            field[:] = values
        if self._bound is None or self._bound.mean_inertia != start.mean_inertia:
            self._model.stat.meaninertia = start.mean_inertia
        self._bound = start

    def _environment_of(self, start: Start, seen: Seen) -> Any:
        """Returns an environment that knows the numbers of a task, on this scene's model and data."""
        if seen.known is not start:
            self._play_once(start)
            if seen.environment is None:
                seen.environment = object.__new__(type(self._environment))
                seen.environment.__dict__.update(self._environment.__dict__, data=self._views)
            seen.environment.__dict__.update(start.attributes)
            seen.known = start
        if seen.environment.reads_model:
            self._bind_physics(start)
        return seen.environment

    def _play_once(self, start: Start) -> None:
        """Plays a reset if nobody has: some attributes are parts of the physics that only a reset ties to this one."""
        if not self._played:
            self.begin(start.attributes["_last_rand_vec"])

    def _see(self, environment: Any) -> list[float]:
        """Returns the current frame, without its empty end, as ``_get_curr_obs_combined_no_goal`` sees it."""
        apart = self._fingers[0] - self._fingers[1]
        opening = min(max(math.sqrt(apart.dot(apart)) / 0.1, 0.0), 1.0)  # numpy's product, as in np.linalg.norm
        positions = environment._get_pos_objects().tolist()
        quaternions = environment._get_quat_objects().tolist()
        frame = [*self._hand.tolist(), opening, *positions[:3], *quaternions[:4]]
        if len(positions) > 3:
            frame += [*positions[3:], *quaternions[4:]]
        return frame

    def _task_attributes(self) -> dict[str, Any]:
        """Returns the numbers that the environment holds, without those that are parts of the physics."""
        kept = {}
        for name, value in vars(self._environment).items():
            if name in _OWN or not isinstance(value, (np.ndarray, np.generic, float, int)):
                continue
            if not np.may_share_memory(value, self._poses):
                kept[name] = value.copy() if isinstance(value, np.ndarray) else value
        return kept


def _clipped(frames: Array, x: float, y: float, z: float) -> Array:
    """Returns the frames with the hand's position as it is observed."""
    if -0.525 <= x <= 0.525 and 0.348 <= y <= 1.025 and -0.0525 <= z <= 0.7:
        return frames
    clipped = frames.copy()
    clipped[:4] = np.minimum(np.maximum(clipped[:4], FRAME_LOW), FRAME_HIGH)  # half the time of np.clip
    return clipped
