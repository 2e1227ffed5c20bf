"""Where cars are on their maps, for all worlds at once: how far it is to the destination, and which way."""

from __future__ import annotations

import numpy as np

from metarl_bench.worlds import WorldIndex
from metarl_suites.navigation.maps import Array, Map


class Charts:
    """The streets and routes of many worlds.

    Attributes:
        routes: Corners of the routes [worlds, corners, 2], m; the destination again where a route has fewer.
        goals: The destinations [worlds, 2], m.
    """

    def __init__(self, num_worlds: int, *, streets: int, corners: int) -> None:
        self.routes = np.zeros((num_worlds, corners, 2))
        self.goals = np.zeros((num_worlds, 2))
        self._route_left = np.zeros((num_worlds, corners))  # m from each corner to the destination
        # Begin, direction, 1 / length, and the distance left at both ends.
        self._streets = np.zeros((7, num_worlds, streets))

    def assign(self, world: np.intp, place: Map) -> None:
        """Gives a world another map."""
        streets = np.array(place.streets).T
        if streets.shape[1] > self._streets.shape[2] or len(place.route) > self.routes.shape[1]:
            raise ValueError(f"The map has {streets.shape[1]} streets and {len(place.route)} corners: too many.")
        begin, end = streets[:2], streets[2:4]
        length = np.hypot(*(end - begin))
        # What is left over is the last street again.
        rows = np.concatenate([begin, (end - begin) / length, 1.0 / length[np.newaxis], streets[4:]])
        self._streets[:, world] = rows[:, -1:]
        self._streets[:, world, : rows.shape[1]] = rows
        route = np.array(place.route)
        self.routes[world] = self.goals[world] = route[-1]
        self.routes[world, : len(route)] = route
        pieces = np.hypot(*np.diff(self.routes[world], axis=0).T)
        self._route_left[world] = np.append(pieces[::-1].cumsum()[::-1], 0.0)

    def left(self, worlds: WorldIndex, places: Array) -> Array:
        """Returns how far it is from places to the destination along the nearest street, m.

        A function of the place alone: whoever drives in a circle gains nothing.
        """
        x, y, cos, sin, per_length, begin_left, end_left = self._streets[:, worlds]
        from_x, from_y = places[:, :1] - x, places[:, 1:] - y
        share = np.clip((from_x * cos + from_y * sin) * per_length, 0.0, 1.0)
        along = share / per_length
        aside = (from_x - along * cos) ** 2 + (from_y - along * sin) ** 2
        nearest = np.arange(len(places)), aside.argmin(axis=1)
        begin: Array = begin_left[nearest]
        found: Array = begin + share[nearest] * (end_left[nearest] - begin)
        return found

    def beeline(self, worlds: WorldIndex, places: Array) -> Array:
        """Returns how far it is from places to the destination as the crow flies, m."""
        apart = self.goals[worlds] - places
        distance: Array = np.hypot(apart[:, 0], apart[:, 1])
        return distance

    def ahead(self, left: Array, distance: float | Array) -> Array:
        """Returns the places on the routes that are farther than where so much is left.

        Args:
            left: How far it is to the destination [worlds], m.
            distance: How much farther, m; the destination where the route ends before.

        Returns:
            Array of shape [worlds, 2].
        """
        wanted = np.clip(left - distance, 0.0, self._route_left[:, 0])[:, np.newaxis]
        piece = np.clip((self._route_left >= wanted).sum(axis=1) - 1, 0, self.routes.shape[1] - 2)
        worlds = np.arange(len(left))
        begin_left, end_left = self._route_left[worlds, piece], self._route_left[worlds, piece + 1]
        begin, end = self.routes[worlds, piece], self.routes[worlds, piece + 1]
        share = (begin_left - wanted[:, 0]) / np.maximum(begin_left - end_left, 1e-9)
        found: Array = begin + share[:, np.newaxis] * (end - begin)
        return found
