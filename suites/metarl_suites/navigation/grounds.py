"""The ground under cars, as a part of their models: asphalt, and ice in every other stripe of some."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol

import mujoco

from metarl_suites.navigation.plans import Weather

STRIPE = 8.0  # m along x; of ground that is all ice or has none
STRIPES = 20  # every other one may be ice
STRIPES_BEGIN = -20.0  # m; so that the start is dry
HALF_GROUND = 150.0  # m; half the width of the ground
WHEELS = ("front_left", "front_right", "rear_left", "rear_right")
THIN = 0.02  # m; half the thickness of what is painted on the ground: as little as no camera takes for the ground
# Under tyres the ground's softness counts: stiff enough for steps of 0.025 s, and no stiffer.
_SOFTNESS = (0.05, 1.0)
_GROUND = {"contype": 1, "conaffinity": 0, "priority": 1, "solref": _SOFTNESS, "mass": 0.0}
_ASPHALT, _SHEET, _BARE = (0.42, 0.43, 0.45, 1.0), (0.75, 0.88, 0.95, 1.0), (0.0, 0.0, 0.0, 0.0)

GroundKind = Literal["plane", "stripes", "patches"]


class Ground(Protocol):
    """The ground of a model that is not compiled yet."""

    def lay(self, weather: Weather) -> None:
        """Gives the ground the friction of a weather."""


class Plane:
    """The same friction everywhere."""

    def __init__(self, spec: mujoco.MjSpec) -> None:
        self._geom = spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_PLANE, size=(0.0, 0.0, 1.0), **_GROUND)
        self._geom.rgba = _ASPHALT

    def lay(self, weather: Weather) -> None:
        """Gives the ground the friction of a weather."""
        self._geom.friction[0] = weather.friction


class Stripes:
    """A box for each stripe, with a friction of its own."""

    def __init__(self, spec: mujoco.MjSpec) -> None:
        # They overlap a little, so that the seam trips nobody.
        box = {"type": mujoco.mjtGeom.mjGEOM_BOX, "size": (0.5 * STRIPE + 0.05, HALF_GROUND, 1.0)}
        middles = [_middle(stripe) for stripe in range(STRIPES)]
        self._geoms = [spec.worldbody.add_geom(pos=(x, 0.0, -1.0), **box, **_GROUND) for x in middles]

    def lay(self, weather: Weather) -> None:
        """Gives the ground the friction of a weather."""
        for stripe, geom in enumerate(self._geoms):
            icy = stripe % 2 == 1 and weather.icy
            geom.friction[0] = weather.patches if icy else weather.friction
            geom.rgba = _SHEET if icy else _ASPHALT


class Patches:
    """A plane; the tyres bring the friction of what they are on, which ``ice.Tyres`` tells them.

    A tenth cheaper than stripes: tyres meet one ground in one point, and there is less to look through.
    """

    def __init__(self, spec: mujoco.MjSpec) -> None:
        self._plane = Plane(spec)
        self._tyres = [geom for geom in spec.geoms if geom.name in WHEELS]
        for tyre in self._tyres:
            tyre.priority, tyre.solref = 2, _SOFTNESS
        # For pictures alone: nothing touches a site.
        sheet = {"type": mujoco.mjtGeom.mjGEOM_BOX, "size": (0.5 * STRIPE, HALF_GROUND, 0.5 * THIN)}
        self._sheets = [spec.worldbody.add_site(pos=(_middle(n), 0.0, 0.0), **sheet) for n in range(1, STRIPES, 2)]

    def lay(self, weather: Weather) -> None:
        """Gives the ground the friction of a weather."""
        self._plane.lay(weather)
        for tyre in self._tyres:
            tyre.friction[0] = weather.friction
        for sheet in self._sheets:
            sheet.rgba = _SHEET if weather.icy else _BARE


GROUNDS: dict[GroundKind, Callable[[mujoco.MjSpec], Ground]] = {
    "plane": Plane,
    "stripes": Stripes,
    "patches": Patches,
}


def _middle(stripe: int) -> float:
    return STRIPES_BEGIN + (stripe + 0.5) * STRIPE
