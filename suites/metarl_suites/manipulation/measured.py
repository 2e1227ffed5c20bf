"""The kinds whose observation and reward are computed from sights: those of ML10 and of the objects suite.

The others are rewarded by Meta-World's own functions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from metarl_suites.manipulation import formulas, grasping
from metarl_suites.manipulation.formulas import Attributes, Formula
from metarl_suites.manipulation.sights import Look


class Measure(NamedTuple):
    """How a kind is observed and rewarded.

    Attributes:
        look: What of its physics counts.
        reward: Makes the formula of a task from what Meta-World's environment holds of it.
    """

    look: Look
    reward: Callable[[Attributes], Formula]


_PLACE, _MATRIX = ("body", "obj", "xpos"), ("geom", "objGeom", "xmat")
_PUCK = Look(_PLACE, _MATRIX)
_BALL, _DRAWER = "bsktball", ("body", "drawer_link", "xpos")
_DOOR = Look(("geom", "handle", "xpos"), ("geom", "handle", "xmat"), rest=(("joint", "doorjoint", "qpos"),))
_CORNERS = tuple(
    ("site", f"{corner}_corner_collision_box_{number}", "xpos")
    for number in (1, 2)
    for corner in ("bottom_right", "top_left")
)
_PEG = Look(("site", "pegGrasp", "xpos"), ("site", "pegGrasp", "xmat"), rest=(("site", "pegHead", "xpos"), *_CORNERS))
_LEVER = Look(("site", "leverStart", "xpos"), _MATRIX, rest=(("joint", "LeverAxis", "qpos"),))

# By kind.
MEASURES = {
    "reach": Measure(_PUCK, formulas.reach),
    "push": Measure(_PUCK, grasping.push),
    "pick-place": Measure(_PUCK, grasping.pick_and_place),
    "door-open": Measure(_DOOR, formulas.open_door),
    "drawer-close": Measure(Look(_DRAWER, None, (0.0, -0.16, 0.05)), formulas.close_drawer),
    "button-press-topdown": Measure(
        Look(("body", "button", "xpos"), ("body", "button", "xquat"), (0.0, 0.0, 0.193)), formulas.press_from_above
    ),
    "peg-insert-side": Measure(_PEG, grasping.insert_peg),
    "window-open": Measure(Look(("site", "handleOpenStart", "xpos"), None), formulas.open_window),
    "sweep": Measure(Look(_PLACE, ("body", "obj", "xquat")), grasping.sweep),
    "basketball": Measure(
        Look(("body", _BALL, "xpos"), ("body", _BALL, "xquat"), rest=(("site", "goal", "xpos"),)), grasping.throw
    ),
    "drawer-open": Measure(Look(_DRAWER, ("body", "drawer_link", "xquat"), (0.0, -0.16, 0.0)), formulas.open_drawer),
    "door-close": Measure(_DOOR, formulas.close_door),
    "shelf-place": Measure(_PUCK, grasping.shelve),
    "sweep-into": Measure(_PUCK, grasping.sweep_into),
    "lever-pull": Measure(_LEVER, formulas.pull_lever),
}
