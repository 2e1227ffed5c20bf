"""MuJoCo models of robots on grounds: a box for each piece of the ground, in place of the robot's floor.

Boxes, since MuJoCo's heightfields trip robots: where two cells of a level heightfield meet, contact forces point up to
30 degrees aside, and a ball without friction loses half of its speed in seconds.
"""

from __future__ import annotations

import copy
import functools
import math
from importlib.resources import files
from typing import NamedTuple

import mujoco

from metarl_suites.terrain.grounds import Array, Ground, Piece, pieces, table
from metarl_suites.terrain.robots import Runner

ICE_GRIP = 0.8  # 1; sliding friction of the ground between patches of ice
DEPTH = 4.0  # m; of level boxes: more than any step, and than a wall is high
SLANTING_DEPTH = 1.0  # m; of the others, whose lower ends part where the ground turns upwards
OVERLAP = 0.05  # m; patches of ice go on below their neighbours, so that the seam between the two trips nobody
KEPT = 1024  # tasks whose models are kept; about 150 MiB
_EARTH, _STONE, _ICE = (0.72, 0.66, 0.56, 1.0), (0.66, 0.6, 0.5, 1.0), (0.55, 0.8, 0.95, 1.0)


class Terrain(NamedTuple):
    """A robot on a ground: the model, and the table that ``grounds.heights`` reads."""

    model: mujoco.MjModel
    table: Array


@functools.lru_cache(maxsize=KEPT)
def terrain(runner: Runner, ground: Ground) -> Terrain:
    """Returns a robot on a ground; the same objects for the same ground, not to be changed."""
    surface = pieces(ground, runner.level)
    spec, boxes = _workshop(runner, len(surface))
    friction = ICE_GRIP if ground.kind == "ice" else ground.friction
    for number, (box, piece) in enumerate(zip(boxes, surface, strict=True)):
        _place(box, piece, runner.half_width)
        box.friction[0] = ground.friction if piece.ice else friction
        box.rgba = _ICE if piece.ice else (_EARTH, _STONE)[number % 2]
    # A copy takes less memory: what the compiler returns stays scattered among what it threw away.
    return Terrain(copy.copy(spec.compile()), table(surface))


@functools.cache
def _workshop(runner: Runner, count: int) -> tuple[mujoco.MjSpec, list[mujoco.MjsGeom]]:
    """Returns a robot's model before it is compiled, and as many boxes, to be placed anew for each task."""
    path = files("metarl_suites.locomotion") / "assets" / f"{runner.body.asset}.xml"
    spec = mujoco.MjSpec.from_string(path.read_text(encoding="utf-8"))
    if runner.substep_s is not None:
        spec.option.timestep, spec.option.integrator = runner.substep_s, mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    floor = next(geom for geom in spec.geoms if geom.name == "floor")
    contact = {"conaffinity": floor.conaffinity, "condim": floor.condim, "friction": copy.copy(floor.friction)}
    floor.delete()
    # The friction of a contact is the ground's, whatever the robot's own; a mass would change the robot's, which some
    # models scale to a total.
    box = {"type": mujoco.mjtGeom.mjGEOM_BOX, "size": (1.0, 1.0, 1.0), "priority": 1, "mass": 0.0}
    boxes = [spec.worldbody.add_geom(**box, **contact) for _ in range(count)]
    # From the side and 15 degrees down, on the start and the first metres of the kind.
    tilt = math.radians(90.0 - 15.0)
    quat = (math.cos(0.5 * tilt), math.sin(0.5 * tilt), 0.0, 0.0)
    spec.worldbody.add_camera(name="overview", pos=(3.0, -6.0, 2.0), quat=quat)
    return spec, boxes


def _place(box: mujoco.MjsGeom, piece: Piece, half_width: float) -> None:
    """Puts the upper side of a box where a piece of the surface is."""
    run, rise = piece.end - piece.begin, piece.high - piece.low
    length, angle = math.hypot(run, rise), math.atan2(rise, run)
    middle = 0.5 * (piece.begin + piece.end), 0.5 * (piece.low + piece.high)
    down = 0.5 * (SLANTING_DEPTH if rise else DEPTH)
    box.pos = (middle[0] + down * math.sin(angle), 0.0, middle[1] - down * math.cos(angle))
    box.quat = (math.cos(0.5 * angle), 0.0, -math.sin(0.5 * angle), 0.0)
    box.size = (0.5 * length + (OVERLAP if piece.ice else 0.0), half_width, down)
