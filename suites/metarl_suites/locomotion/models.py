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


def _bound_capsules(model: mujoco.MjModel, geoms: slice) -> None:
    """Brings the radius within which MuJoCo looks for contacts in line with changed sizes of capsules."""
    model.geom_rbound[geoms] = np.sum(model.geom_size[geoms, :2], axis=1)
