"""Other cars: bodies on a straight road, and what they ask of their motors, for all worlds at once.

They stand on two slides, along the road and across, and always look along it.
What they do is a function of where all cars are, so that MuJoCo's state is all there is to remember.
"""

from __future__ import annotations

import mujoco
import numpy as np

from metarl_bench.worlds import WorldIndex
from metarl_suites.navigation.maps import FREE, LANE
from metarl_suites.navigation.plans import Habits
from metarl_suites.navigation.rays import Array

HALF_LENGTH, HALF_WIDTH = 2.0, 0.9  # m; of all cars
MASS = 1200.0  # kg, as the usual car
# N, along and across: what dry tyres hold, so that pushing others costs more than it brings.
GRIP = 0.9 * MASS * 9.81
ANSWER = 0.2  # s; in which motors come near the velocity that is asked for
# Where they stand at the start, whatever their habits: m to the first, from each to the next, and at random.
FIRST, APART, SCATTER = 26.0, 12.0, 3.0
SIDEWAYS, SLANT = 4.0, 3.0  # m/s; and times as fast as forwards at most
FORESIGHT = 0.5  # s; how far ahead they see where one is going
SWING = 0.25  # s; in which they would be where they want to be, but for that
# m from the middle; whoever stays within is not about to pass, and cannot: from home, others leave too little room.
OUT = 0.5
PASSED = 2.0  # m from bumper to bumper; whoever is farther ahead of them is no more to them
ROOM = 2.2  # m between the middles of cars side by side: they swing out before others, never into them
IN_LANE = 0.95 * ROOM  # m; whoever is no farther aside is in the same lane: side by side, at ROOM, nobody is in the way
KEEP, HEADWAY = 2.0, 1.0  # m and s; between bumpers in a lane
_PAINT, _GLASS = (0.16, 0.36, 0.6, 1.0), (0.25, 0.3, 0.36, 1.0)


def add_cars(spec: mujoco.MjSpec, number: int) -> None:
    """Puts cars into a model: the last 2 ``number`` positions, velocities and controls are theirs (x and y)."""
    box = mujoco.mjtGeom.mjGEOM_BOX
    for car in range(number):
        body = spec.worldbody.add_body(name=f"other_{car}", pos=(0.0, 0.0, 0.65))
        # Bit 2: the chassis of the car that learns; bit 3: each other. The slides end where the rails are.
        solid = {"contype": 6, "conaffinity": 4, "condim": 1, "mass": MASS}
        body.add_geom(type=box, size=(HALF_LENGTH, HALF_WIDTH, 0.4), rgba=_PAINT, **solid)
        ghost = {"contype": 0, "conaffinity": 0, "mass": 0.0}
        body.add_geom(type=box, size=(0.9, 0.75, 0.25), pos=(-0.2, 0.0, 0.65), rgba=_GLASS, **ghost)
        _add_slide(spec, body, f"other_{car}_x", axis=0, inset=HALF_LENGTH)
        _add_slide(spec, body, f"other_{car}_y", axis=1, inset=HALF_WIDTH)


def _add_slide(spec: mujoco.MjSpec, body: mujoco.MjsBody, name: str, *, axis: int, inset: float) -> None:
    """Lets a body slide along an axis of the world, with a motor that holds a velocity."""
    ends = FREE[0][axis] + inset, FREE[1][axis] - inset
    slide = mujoco.mjtJoint.mjJNT_SLIDE
    body.add_joint(name=name, type=slide, axis=np.eye(3)[axis], range=ends, limited=True)
    motor = spec.add_actuator(name=name, target=name, trntype=mujoco.mjtTrn.mjTRN_JOINT)
    motor.gainprm[0], motor.biasprm[2] = MASS / ANSWER, -MASS / ANSWER
    motor.biastype, motor.forcelimited, motor.forcerange = mujoco.mjtBias.mjBIAS_AFFINE, True, (-GRIP, GRIP)


def starts(number: int, rng: np.random.Generator) -> Array:
    """Returns where cars stand at the start [number, 2], m: in any lane, one behind the other."""
    x = FIRST + APART * np.arange(number) + SCATTER * rng.uniform(size=number)
    return np.stack([x, LANE * rng.integers(-1, 2, number)], axis=1)


class Traffic:
    """The habits of the cars of many worlds."""

    def __init__(self, num_worlds: int) -> None:
        self._numbers = np.zeros((5, num_worlds, 1))

    def assign(self, world: np.intp, habits: Habits) -> None:
        """Gives the cars of a world other habits."""
        self._numbers[:, world, 0] = habits.speed, habits.gap, habits.home, *habits.covers

    def asked(self, worlds: WorldIndex, cars: Array) -> Array:
        """Returns the velocities that drivers want [worlds, others, 2], m/s.

        Args:
            worlds: Which.
            cars: Where cars are and how fast [worlds, 1 + others, 4]: x, y and their velocities, m and m/s; the first
                is the one that learns.
        """
        speed, gap, home, low, high = self._numbers[:, worlds]
        me, others = cars[:, :1], cars[:, 1:]
        y, my_y = others[..., 1], me[..., 1]
        ahead, aside = others[..., 0] - me[..., 0], y - my_y
        room = np.abs(ahead) - 2.0 * HALF_LENGTH  # between bumpers; negative side by side
        going = my_y + FORESIGHT * me[..., 3]
        out = np.maximum(np.abs(my_y), np.abs(going)) > OUT
        minds = out & (room < np.where(ahead > 0.0, gap, PASSED))
        wanted = np.where(minds, np.clip(going, low, high), home)
        side = np.where(aside < 0.0, -1.0, 1.0)
        nearest = my_y + side * np.minimum(np.abs(aside), ROOM)
        wanted = np.where(room < 0.0, side * np.maximum(side * wanted, side * nearest), wanted)
        most = np.minimum(SIDEWAYS, SLANT * np.maximum(others[..., 2], 0.0))
        along = np.maximum(np.minimum(speed, _allowed(cars)), 0.0)
        return np.stack([along, np.clip((wanted - y) / SWING, -most, most)], axis=2)


def _allowed(cars: Array) -> Array:
    """Returns how fast those ahead, and the end of the road, allow the others to drive [worlds, others], m/s."""
    others = cars[:, 1:, np.newaxis]
    ahead, aside = (cars[:, np.newaxis, :, place] - others[..., place] for place in (0, 1))
    room = ahead - 2.0 * HALF_LENGTH - KEEP
    in_lane = (ahead > 0.0) & (np.abs(aside) < IN_LANE)
    behind = np.where(in_lane, np.maximum(cars[:, np.newaxis, :, 2], 0.0) + room / HEADWAY, np.inf).min(axis=2)
    # They queue up where the road ends.
    places = FREE[1][0] - (2.0 * HALF_LENGTH + KEEP) * np.arange(1, cars.shape[1])[::-1]
    allowed: Array = np.minimum(behind, (places - cars[:, 1:, 0]) / HEADWAY)
    return allowed


def boxes(places: Array) -> Array:
    """Returns the boxes of cars at some places [worlds, others, 2] as rays meet them [worlds, others, 5]."""
    found = np.zeros((*places.shape[:2], 5))
    found[..., :2] = places
    found[..., 3:] = HALF_LENGTH, HALF_WIDTH
    return found
