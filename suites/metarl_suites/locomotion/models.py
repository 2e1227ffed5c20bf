"""The models of the robots, and how a task changes them.

An edit writes into a world's own model, always starting from the unchanged one, so that the model depends on the task
alone and not on the tasks before it.
"""

from __future__ import annotations

import functools
from importlib.resources import files

import mujoco
import numpy as np

from metarl_bench.tasks import Task


@functools.cache
def load(asset: str) -> mujoco.MjModel:
    """Returns a robot's unchanged model, which many worlds share."""
    path = files("metarl_suites.locomotion") / "assets" / f"{asset}.xml"
    return mujoco.MjModel.from_xml_string(path.read_text(encoding="utf-8"))


def scale_body(model: mujoco.MjModel, base: mujoco.MjModel, task: Task) -> None:
    """Multiplies the cheetah's mass, and where the task has them its damping and the length of its head (RoML).

    As published, a heavier cheetah is thicker, too, and its moments of inertia stay.
    """
    factors = {name: task.number(name) for name, _ in task.params}
    body = slice(1, None)  # all geoms but the floor
    model.body_mass[:] = factors["mass"] * base.body_mass
    model.geom_size[body, 0] = factors["mass"] * base.geom_size[body, 0]
    model.dof_damping[:] = factors.get("damping", 1.0) * base.dof_damping
    head = mujoco.mj_name2id(base, mujoco.mjtObj.mjOBJ_GEOM, "head")
    model.geom_size[head, 1] = factors.get("head", 1.0) * base.geom_size[head, 1]
    _bound_capsules(model, body)
    # Contacts of the torso and its head would be looked for in boxes that keep the unscaled sizes.
    model.opt.disableflags = base.opt.disableflags | mujoco.mjtDisableBit.mjDSBL_MIDPHASE


def scale_body_v1(model: mujoco.MjModel, base: mujoco.MjModel, task: Task) -> None:
    """Does the same as ``scale_body``, but leaves the boxes in use: thick torsos and long heads miss contacts."""
    scale_body(model, base, task)
    model.opt.disableflags = base.opt.disableflags


def scale_elements(model: mujoco.MjModel, base: mujoco.MjModel, task: Task) -> None:
    """Multiplies single numbers of a robot: masses and inertias of bodies, friction of geoms, damping of joints.

    A task's parameters are named ``mass_<body>``, ``inertia_<body>``, ``friction_<geom>`` and ``damping_<joint>``.
    """
    for name, factor in task.params:
        kind, _, part = name.partition("_")
        field, table = _ELEMENTS[kind]
        row = mujoco.mj_name2id(base, table, part)
        if table == mujoco.mjtObj.mjOBJ_JOINT:
            row = base.jnt_dofadr[row]
        getattr(model, field)[row] = float(factor) * getattr(base, field)[row]


_ELEMENTS = {
    "mass": ("body_mass", mujoco.mjtObj.mjOBJ_BODY),
    "inertia": ("body_inertia", mujoco.mjtObj.mjOBJ_BODY),
    "friction": ("geom_friction", mujoco.mjtObj.mjOBJ_GEOM),
    "damping": ("dof_damping", mujoco.mjtObj.mjOBJ_JOINT),
}


def cripple_leg(model: mujoco.MjModel, base: mujoco.MjModel, task: Task) -> None:
    """Switches off the motors of one leg of the ant, and shrinks it off the ground (GrBAL)."""
    leg = task["leg"]
    model.actuator_gear[:], model.geom_size[:], model.geom_pos[:] = base.actuator_gear, base.geom_size, base.geom_pos
    for joint in ("hip", "ankle"):
        model.actuator_gear[mujoco.mj_name2id(base, mujoco.mjtObj.mjOBJ_ACTUATOR, f"{leg}_{joint}")] = 0.0
    upper, lower = (mujoco.mj_name2id(base, mujoco.mjtObj.mjOBJ_GEOM, f"{leg}_{part}") for part in ("leg", "foot"))
    for geom in (upper, lower):
        model.geom_size[geom] = 0.5 * base.geom_size[geom]
    model.geom_pos[lower] = base.geom_pos[upper]
    _bound_capsules(model, slice(1, None))


def _bound_capsules(model: mujoco.MjModel, geoms: slice) -> None:
    """Brings the radius within which MuJoCo looks for contacts in line with changed sizes of capsules and spheres."""
    model.geom_rbound[geoms] = np.sum(model.geom_size[geoms, :2], axis=1)
