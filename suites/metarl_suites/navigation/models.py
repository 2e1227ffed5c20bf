"""MuJoCo models: the car of a plan among the walls of its map, on the ground of its weather."""

from __future__ import annotations

import functools
import math
from importlib.resources import files
from typing import NamedTuple

import mujoco
import numpy as np

from metarl_suites.navigation.grounds import GROUNDS, THIN, GroundKind
from metarl_suites.navigation.maps import Map, Wall
from metarl_suites.navigation.plans import Plan
from metarl_suites.navigation.specs import REACHED
from metarl_suites.navigation.traffic import add_cars

WALL_HEIGHT = 1.0  # m; over the middle of a chassis, so that nobody tips over a wall
CHASSIS = 1120.0  # kg, as in the asset
FLAT_RADIUS = 0.27  # m; of a flat tyre, 0.32 of a sound one
FLAT_DRAG = 25.0  # N m s/rad; resistance of a flat tyre: nearly that of all four sound ones
_RAIL, _GOAL = (0.62, 0.5, 0.42, 1.0), (0.25, 0.7, 0.35, 1.0)
_PARKED = Wall(0.0, 0.0, 0.0, 0.1, 0.1)
_PARKED_DEPTH = 100.0  # m under the ground


class Crash(NamedTuple):
    """What a crash is like.

    Attributes:
        wall_s: s; in which walls stop what drives into them.
        solid: Whether contacts are found with all of a car. Else the ground does not hold the cabin of a car on its
            roof, which sinks in up to its wheels and drives on; and walls meet a chassis as if its centre of mass were
            in the middle, up to 0.35 m off.
    """

    wall_s: float
    solid: bool


# MuJoCo's own number, which it raises to two time steps: a crash is over before springs can hold the car down, and tips
# some over. Superseded.
STIFF = Crash(0.02, solid=False)
# Twice as slow; with 0.15, a car at 17 m/s gets so deep into a wall that the shortest way out is over it. Superseded.
GIVING = Crash(0.1, solid=False)
SOLID = Crash(0.1, solid=True)


def compile_plan(plan: Plan, *, walls: int, ground: GroundKind, others: int = 0, crash: Crash) -> mujoco.MjModel:
    """Returns the model of a plan.

    Args:
        plan: The task.
        walls: How many the models of the suite have; what is left over lies where nothing gets.
        ground: How the ground is made.
        others: How many other cars there are.
        crash: What a crash is like.
    """
    shop = _workshop(walls, ground, others, crash)
    _place_walls(shop, plan.map)
    shop.destination.pos = (*plan.map.route[-1], THIN)
    shop.ground.lay(plan.weather)
    shop.chassis.mass = CHASSIS * plan.vehicle.mass
    model = shop.spec.compile()
    _change_car(model, plan, solid=crash.solid)
    return model


class _Workshop:
    """A model before it is compiled, and its parts that depend on the task."""

    def __init__(self, walls: int, ground: GroundKind, others: int, crash: Crash) -> None:
        path = files("metarl_suites.navigation") / "assets" / "car.xml"
        self.spec = mujoco.MjSpec.from_string(path.read_text(encoding="utf-8"))
        world = self.spec.worldbody
        self.ground = GROUNDS[ground](self.spec)
        # Smooth: what is lost on walls is what is driven into them.
        wall = {"type": mujoco.mjtGeom.mjGEOM_BOX, "size": (1.0, 1.0, 1.0), "contype": 2, "conaffinity": 0, "condim": 1}
        wall |= {"priority": 1, "solref": (crash.wall_s, 1.0)}  # the wall's own number, not a mean of its and the car's
        self.walls = [world.add_geom(rgba=_RAIL, mass=0.0, **wall) for _ in range(walls)]
        cabin, self.chassis = (next(g for g in self.spec.geoms if g.name == name) for name in ("cabin", "chassis"))
        if crash.solid:
            cabin.conaffinity = 1
        self.camera = world.add_camera(name="overview")
        # For pictures alone: a site has no mass, nothing touches it, and rays and observations do not know it.
        mark = {"type": mujoco.mjtGeom.mjGEOM_CYLINDER, "size": (REACHED, THIN, 0.0), "rgba": _GOAL}
        self.destination = world.add_site(name="destination", **mark)
        add_cars(self.spec, others)


@functools.cache
def _workshop(walls: int, ground: GroundKind, others: int, crash: Crash) -> _Workshop:
    return _Workshop(walls, ground, others, crash)


def _place_walls(shop: _Workshop, place: Map) -> None:
    left_over = len(shop.walls) - len(place.walls)
    for box, wall in zip(shop.walls, [*place.walls, *[_PARKED] * left_over], strict=True):
        height = -_PARKED_DEPTH if wall is _PARKED else 0.5 * WALL_HEIGHT
        box.pos = (wall.x, wall.y, height)
        box.quat = (math.cos(0.5 * wall.yaw), 0.0, 0.0, math.sin(0.5 * wall.yaw))
        box.size = (wall.half_length, wall.half_width, 0.5 * WALL_HEIGHT)
    xs, ys = ([getattr(wall, axis) for wall in place.walls] for axis in ("x", "y"))
    # From above, high enough for all of the map in a picture of 16:9 with an opening of 45 degrees.
    span = max((max(xs) - min(xs)) * 9.0 / 16.0, max(ys) - min(ys)) + 12.0
    height = 0.5 * span / math.tan(math.radians(22.5))
    shop.camera.pos = (0.5 * (max(xs) + min(xs)), 0.5 * (max(ys) + min(ys)), height)


def _change_car(model: mujoco.MjModel, plan: Plan, *, solid: bool) -> None:
    """Writes what the compiler does not derive anything else from into a model, and what it does by setConst."""
    vehicle = plan.vehicle
    car = model.body("car").id
    if solid:
        _move_boxes(model, car, -vehicle.balance)
    model.body_ipos[car, 0] += vehicle.balance
    if vehicle.flat != "none":
        geom, joint = model.geom(vehicle.flat).id, model.joint(vehicle.flat)
        model.geom_size[geom, 0] = model.geom_rbound[geom] = FLAT_RADIUS
        model.dof_damping[joint.dofadr[0]] += FLAT_DRAG
    mujoco.mj_setConst(model, mujoco.MjData(model))


def _move_boxes(model: mujoco.MjModel, body: int, ahead: float) -> None:
    """Moves the boxes in which MuJoCo looks for contacts, m; it tells them from the centre of mass, along its axes."""
    axes, shift = np.zeros(4), np.zeros(3)
    mujoco.mju_negQuat(axes, model.body_iquat[body])
    mujoco.mju_rotVecQuat(shift, np.array([ahead, 0.0, 0.0]), axes)
    first = model.body_bvhadr[body]
    model.bvh_aabb[first : first + model.body_bvhnum[body], :3] += shift
