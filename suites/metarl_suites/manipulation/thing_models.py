"""Meta-World's model of pick-and-place with other objects: one model, and what a task writes into it."""

from __future__ import annotations

import copy
import functools
from typing import Any, NamedTuple

import mujoco
import numpy as np
from metaworld.sawyer_xyz_env import SawyerXYZEnv
from numpy.typing import NDArray

from metarl_suites.manipulation.environments import environment_class, light_spec, prepared
from metarl_suites.manipulation.fast import MatrixRotation
from metarl_suites.manipulation.sights import Look
from metarl_suites.manipulation.things import PARTS, Part, Thing, parts

KIND = "pick-place"
# m; of the object's frame over its lower side, for every object: Meta-World's puck is as high as that in its middle.
# Where the frame is higher or lower, observations would tell the size.
FRAME = 0.02
BODY = "obj"
# Observations show how the whole object lies, not its first part, as Meta-World's do.
LOOK = Look(("body", BODY, "xpos"), ("body", BODY, "xmat"))
# Meta-World calls the object's first geom so.
_FIRST = "objGeom"
# As Meta-World's puck touches things, but that the friction of a contact is the object's, whatever touches it.
_CONTACT = {"solref": (0.01, 1.0), "solimp": (0.99, 0.99, 0.01, 0.5, 2.0), "condim": 4, "priority": 1}
_TWISTING, _ROLLING = 0.1, 0.002
_SORTS = {"box": mujoco.mjtGeom.mjGEOM_BOX, "cylinder": mujoco.mjtGeom.mjGEOM_CYLINDER}
_BODY_FIELDS = ("body_mass", "body_inertia", "body_ipos", "body_iquat")
_GEOM_FIELDS = (
    "geom_type", "geom_size", "geom_pos", "geom_quat", "geom_rbound", "geom_aabb", "geom_friction",
    "geom_contype", "geom_conaffinity",
)  # fmt: skip
# What MuJoCo derives from these.
_DERIVED = ("body_subtreemass", "body_invweight0", "dof_invweight0", "dof_M0")
FIELDS = (*_BODY_FIELDS, *_GEOM_FIELDS, *_DERIVED)


class Edits(NamedTuple):
    """What an object writes into the model.

    Attributes:
        arrays: Whole arrays, in the order of ``FIELDS``.
        mean_inertia: The model's, by which MuJoCo judges when its solver is done.
    """

    arrays: tuple[NDArray[Any], ...]
    mean_inertia: float


@functools.cache
def bench_model() -> mujoco.MjModel:
    """Returns the model that every object is written into; its own object is none of them."""
    spec = light_spec(KIND)
    # The tree of boxes that it looks up contacts in is not written into.
    spec.option.disableflags |= mujoco.mjtDisableBit.mjDSBL_MIDPHASE
    body = next(body for body in spec.bodies if body.name == BODY)
    _furnish(body, Thing("dumbbell", 0.04, 0.05, 0.5, 1.0))
    # All askew, each in its own way, so that MuJoCo takes no shortcut that fits this object alone.
    body.explicitinertial = True
    body.mass, body.inertia, body.ipos, body.iquat = (
        0.5,
        (1e-4, 1.1e-4, 1.2e-4),
        (1e-3, 2e-3, 3e-3),
        (0.9, 0.3, 0.1, 0.2),
    )
    for geom in body.geoms:
        geom.quat = (0.9, 0.1, 0.2, 0.3)
    return spec.compile()


@functools.lru_cache(maxsize=4096)
def edits(thing: Thing) -> Edits:
    """Returns what an object writes into the model."""
    spec = mujoco.MjSpec()
    _furnish(spec.worldbody.add_body(name=BODY), thing)
    alone = spec.compile()
    model = copy.copy(bench_model())
    body, first = model.body(BODY).id, model.geom(_FIRST).id
    for name in _BODY_FIELDS:
        getattr(model, name)[body] = getattr(alone, name)[1]
    for name in _GEOM_FIELDS:
        getattr(model, name)[first : first + PARTS] = getattr(alone, name)
    mujoco.mj_setConst(model, mujoco.MjData(model))
    return Edits(tuple(getattr(model, name).copy() for name in FIELDS), model.stat.meaninertia)


def write(model: mujoco.MjModel, found: Edits) -> None:
    """Gives a copy of the model an object."""
    for name, values in zip(FIELDS, found.arrays, strict=True):
        getattr(model, name)[:] = values
    model.stat.meaninertia = found.mean_inertia


def _furnish(body: mujoco.MjsBody, thing: Thing) -> None:
    """Replaces what a body is made of."""
    for geom in list(body.geoms):
        geom.delete()
    body.explicitinertial = False
    made = parts(thing)
    shares = np.array([_volume(part) for part in made])
    for number in range(PARTS):
        geom = body.add_geom(name=_FIRST if number == 0 else f"{_FIRST}{number}", **_CONTACT)
        geom.friction = (thing.friction, _TWISTING, _ROLLING)
        if number >= len(made):
            geom.type, geom.size, geom.mass = mujoco.mjtGeom.mjGEOM_SPHERE, (0.001, 0.0, 0.0), 0.0
            geom.contype = geom.conaffinity = 0
            continue
        part = made[number]
        x, y, z = part.size
        geom.type, geom.mass = _SORTS[part.sort], thing.mass * float(shares[number] / shares.sum())
        geom.pos = (part.place[0], part.place[1], part.place[2] - FRAME)
        geom.size = (x, y, z) if part.sort == "box" else (y, z, 0.0)


def _volume(part: Part) -> float:
    x, y, z = part.size
    return 8.0 * x * y * z if part.sort == "box" else 2.0 * np.pi * x * y * z


@functools.cache
def thing_class() -> type[SawyerXYZEnv]:
    """Returns Meta-World's class of pick-and-place, which shows how the whole object lies, not its first part."""

    def quaternion(self: Any) -> NDArray[np.float64]:
        return MatrixRotation(self.data.body(BODY).xmat.reshape(3, 3)).as_quat()

    base: Any = environment_class(KIND)
    made: type[SawyerXYZEnv] = type(base.__name__, (base,), {"_get_quat_objects": quaternion})
    return made


def make_thing_environment() -> SawyerXYZEnv:
    """Returns an environment with a model and data of its own."""
    return prepared(thing_class(), bench_model())
