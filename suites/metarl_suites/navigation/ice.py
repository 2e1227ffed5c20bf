"""Ice under single tyres: their friction is that of where they are when an environment step begins."""

from __future__ import annotations

import copy

import mujoco
import numpy as np

from metarl_bench.worlds import Bools, WorldIndex
from metarl_suites.navigation.cars import PLACE, headings
from metarl_suites.navigation.grounds import STRIPE, STRIPES, STRIPES_BEGIN, WHEELS
from metarl_suites.navigation.plans import Weather
from metarl_suites.navigation.rays import Array


class Tyres:
    """The tyres of many worlds, of which some are on ice now and then."""

    def __init__(self, model: mujoco.MjModel, num_worlds: int) -> None:
        """Makes tyres of worlds without ice; ``model`` is that of any of them."""
        self._geoms = np.array([model.geom(wheel).id for wheel in WHEELS])
        self._mounts = model.body_pos[model.geom_bodyid[self._geoms], :2].copy()  # m, from the middle of the car
        self._frictions: dict[np.intp, Array] = {}  # of all geoms of the worlds with ice: views into their models
        self._weathers = np.zeros((num_worlds, 2))  # friction beside ice, and on it

    def assign(self, world: np.intp, weather: Weather, model: mujoco.MjModel) -> mujoco.MjModel:
        """Gives a world other weather.

        Returns:
            The model that it needs: one of its own if there is ice, because this writes into it.
        """
        self._frictions.pop(world, None)
        if not weather.icy:
            return model
        own = copy.copy(model)
        self._frictions[world] = own.geom_friction[:, 0]
        self._weathers[world] = weather.friction, weather.patches
        return own

    def lay(self, worlds: WorldIndex, qpos: Array) -> None:
        """Tells the tyres what they are on.

        Args:
            worlds: Which are about to be stepped.
            qpos: Positions of all worlds.
        """
        icy = np.array([world for world in np.arange(len(qpos))[worlds] if world in self._frictions], np.intp)
        heading = headings(qpos[icy])[:, np.newaxis]
        x = qpos[icy, PLACE][:, :1] + np.cos(heading) * self._mounts[:, 0] - np.sin(heading) * self._mounts[:, 1]
        beside, on = self._weathers[icy].T[..., np.newaxis]
        for world, friction in zip(icy, np.where(on_ice(x), on, beside), strict=True):
            self._frictions[world][self._geoms] = friction


def on_ice(x: Array) -> Bools:
    """Returns which of some places along x, m, are in stripes that may be ice."""
    stripe = np.floor((x - STRIPES_BEGIN) / STRIPE)
    icy: Bools = (stripe % 2.0 == 1.0) & (stripe > 0.0) & (stripe < STRIPES)
    return icy
