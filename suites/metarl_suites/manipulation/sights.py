"""What rewards and observations need of the physics, for the kinds whose reward has a formula, for many worlds at once.

A sight is a row of numbers out of a world's physics, in one order for all these kinds, so that what they have in common
is computed for all worlds together: a call of numpy takes longer than the arithmetic of one world.
"""

from __future__ import annotations

from typing import NamedTuple

import mujoco
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Hand position, gripper opening, and position and quaternion of up to two objects.
FRAME_SIZE = 18
# What Meta-World clips the hand's position and the opening to.
FRAME_LOW = np.array([-0.525, 0.348, -0.0525, -1.0])
FRAME_HIGH = np.array([0.525, 1.025, 0.7, 1.0])

# Where things are in a sight. Positions are in m.
_HAND, _RIGHT_CLAW, _LEFT_CLAW = slice(0, 3), slice(3, 6), slice(6, 9)
_RIGHT_END, _LEFT_END, _PADS = slice(9, 12), slice(12, 15), slice(15, 17)
_PLACE, _TURN, _REST = slice(17, 20), slice(20, 29), slice(29, 44)
SIGHT_SIZE = 44
# Where things are in the facts that formulas get: what the observation shows of the hand and the object, the point
# between the fingers, the heights of the pads' y, how far object and fingers are apart, and the rest of the sight.
HAND, OPENING, OBJECT, TCP, PADS = slice(0, 3), 3, slice(4, 7), slice(7, 10), slice(10, 12)
NEAR, NEAR_IN_PLANE, REST = 12, 13, slice(14, 29)
_FACTS = 29
# Numbers of a frame with one object.
SEEN_SIZE = 11
# Numbers of a turn, by what Meta-World makes the observed quaternion of: zeros, MuJoCo's quaternion, a matrix.
UNTURNED, QUATERNION, MATRIX = 0, 4, 9


class Look(NamedTuple):
    """Where in the physics of a kind a sight finds what differs between kinds.

    Attributes:
        place: The object's position: a sort of part of the data, the part's name, and one of its arrays.
        turn: How the object is turned; None where zeros are observed.
        offset: m; from that position to the observed one; None where they are the same.
        rest: What else the reward depends on, in this order.
    """

    place: tuple[str, str, str]
    turn: tuple[str, str, str] | None
    offset: tuple[float, float, float] | None = None
    rest: tuple[tuple[str, str, str], ...] = ()


class Sight:
    """Reads the sights of one data.

    Args:
        data: Of an environment.
        poses: All of its poses, as ``poses_of`` returns them.
        look: Of the environment's kind.
    """

    def __init__(self, data: mujoco.MjData, poses: Array, look: Look) -> None:
        begin = poses.__array_interface__["data"][0]

        def places(sort: str, name: str, array: str) -> list[int]:
            numbers = getattr(getattr(data, sort)(name), array)
            first = (numbers.__array_interface__["data"][0] - begin) // poses.itemsize
            return list(range(first, first + numbers.size))

        self._poses = poses
        self._index = np.zeros(SIGHT_SIZE, np.intp)
        for part, name in ((_HAND, "hand"), (_RIGHT_CLAW, "rightclaw"), (_LEFT_CLAW, "leftclaw")):
            self._index[part] = places("body", name, "xpos")
        for part, name in ((_RIGHT_END, "rightEndEffector"), (_LEFT_END, "leftEndEffector")):
            self._index[part] = places("site", name, "xpos")
        self._index[_PADS] = [places("body", pad, "xpos")[1] for pad in ("leftpad", "rightpad")]
        self._index[_PLACE] = places(*look.place)
        turn = places(*look.turn) if look.turn else []
        self._index[_TURN.start : _TURN.start + len(turn)] = turn
        rest = [place for part in look.rest for place in places(*part)]
        self._index[_REST.start : _REST.start + len(rest)] = rest
        self.turn_size = len(turn)
        self._offset = None if look.offset is None else np.array(look.offset)

    def read(self, sight: Array) -> None:
        """Reads what the data shows now into a row."""
        self._poses.take(self._index, out=sight, mode="clip")  # the other modes copy twice
        if self._offset is not None:
            sight[_PLACE] += self._offset


def frames_of(sights: Array, turn_sizes: NDArray[np.intp]) -> Array:
    """Returns the frames that sights show [worlds, SEEN_SIZE], not clipped, the last four the object's quaternion.

    Args:
        sights: [worlds, SIGHT_SIZE].
        turn_sizes: Of each one's ``Sight``.
    """
    frames = np.zeros((len(sights), SEEN_SIZE))
    frames[:, HAND] = sights[:, _HAND]
    frames[:, OPENING] = np.minimum(lengths(sights[:, _RIGHT_CLAW] - sights[:, _LEFT_CLAW]) / 0.1, 1.0)
    frames[:, OBJECT] = sights[:, _PLACE]
    for size in set(turn_sizes.tolist()) - {UNTURNED}:
        rows = turn_sizes == size
        turns = sights[rows, _TURN]
        frames[rows, OBJECT.stop :] = turns[:, :QUATERNION] if size == QUATERNION else quaternions(turns)
    return frames


def facts_of(sights: Array, frames: Array) -> Array:
    """Returns what formulas get of some sights and their frames."""
    facts = np.empty((len(sights), _FACTS))
    facts[:, : OPENING + 1] = np.minimum(np.maximum(frames[:, : OPENING + 1], FRAME_LOW), FRAME_HIGH)
    facts[:, OBJECT] = frames[:, OBJECT]
    facts[:, TCP] = tcp = (sights[:, _RIGHT_END] + sights[:, _LEFT_END]) / 2.0
    facts[:, PADS] = sights[:, _PADS]
    apart = sights[:, _PLACE] - tcp
    facts[:, NEAR] = lengths(apart)
    apart[:, 1] = 0.0
    facts[:, NEAR_IN_PLANE] = lengths(apart)
    facts[:, REST] = sights[:, _REST]
    return facts


def lengths(vectors: Array) -> Array:
    """Returns the lengths of vectors [vectors, 3], rounded as ``np.linalg.norm`` of each one: both use numpy's dot."""
    found: Array = np.sqrt(np.vecdot(vectors, vectors))
    return found


# Elements of a matrix on both sides of its diagonal.
_LOWER, _UPPER = np.array([7, 2, 3]), np.array([5, 6, 1])
# By the largest of a matrix's three diagonal elements and its trace: which of the columns below are the quaternion.
_CHOICES = np.array([[0, 5, 4, 6], [5, 1, 3, 7], [4, 3, 2, 8], [6, 7, 8, 9]])


def quaternions(matrices: Array) -> Array:
    """Returns scipy's ``Rotation.as_quat``: x, y, z, w, of rotation matrices [rotations, 9]."""
    decisions = np.empty((len(matrices), 4))
    decisions[:, :3] = diagonal = matrices[:, ::4]
    decisions[:, 3] = trace = diagonal[:, 0] + diagonal[:, 1] + diagonal[:, 2]
    lower, upper = matrices.take(_LOWER, axis=1), matrices.take(_UPPER, axis=1)
    columns = np.empty((len(matrices), 10))
    np.add((1.0 - trace)[:, None], 2.0 * diagonal, out=columns[:, :3])
    np.add(lower, upper, out=columns[:, 3:6])
    np.subtract(lower, upper, out=columns[:, 6:9])
    np.add(1.0, trace, out=columns[:, 9])
    first = np.arange(0, columns.size, 10)[:, None]
    chosen = columns.take(first + _CHOICES[decisions.argmax(axis=1)])
    x, y, z, w = (chosen * chosen).T
    quaternion: Array = chosen / np.sqrt(x + y + z + w)[:, None]
    return quaternion
