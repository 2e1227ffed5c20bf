"""Maps: where the walls are, how far it is to the destination, along which streets. Plain geometry."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from metarl_suites.frozen import noise

Array = NDArray[np.float64]


class Wall(NamedTuple):
    """A box on the ground: its middle, its direction and half its sides; m and rad."""

    x: float
    y: float
    yaw: float
    half_length: float
    half_width: float


class Street(NamedTuple):
    """A straight street's two ends, and how far it is from each to the destination; m."""

    begin_x: float
    begin_y: float
    end_x: float
    end_y: float
    begin_left: float
    end_left: float


class Map(NamedTuple):
    """A place to drive in. Cars start at the origin and look along x.

    Attributes:
        walls: What a car can hit.
        streets: All there are.
        route: The shortest way from the start to the destination, as its corners (x, y).
    """

    walls: tuple[Wall, ...]
    streets: tuple[Street, ...]
    route: tuple[tuple[float, float], ...]


# -- the road --------------------------------------------------------------------------------------------------------

PIECE = 8.0  # m; length of a straight piece of the road
HALF_WIDTH = 3.5  # m; of the road: two lanes
# Straight pieces from the start on: as far as waypoints are seen, so that no start tells the road.
STRAIGHT = 3
PIECES = 13  # from the start to the destination: 104 m
BEYOND = 1  # pieces behind the start, and behind the destination
BEND = 0.55  # rad; the most that the road turns from piece to piece: a radius of 15 m
STEEPEST = 1.1  # rad; the most that it turns away from x, so that it never meets itself
RAIL = 0.2  # m; half the thickness of guard rails
ROAD_WALLS = 2 * (PIECES + 2 * BEYOND) + 2


def road(layout: float) -> Map:
    """Returns a winding road between guard rails.

    Args:
        layout: In [0, 1]; another one is another road.
    """
    headings = [0.0] * (STRAIGHT + BEYOND)
    for number in range(PIECES - STRAIGHT + BEYOND):
        # A bend lasts two pieces.
        turn = BEND * (2.0 * noise(layout, number // 2) - 1.0)
        heading = headings[-1] + turn
        headings.append(heading if abs(heading) <= STEEPEST else headings[-1] - turn)
    corners = [(-PIECE * BEYOND, 0.0)]
    for heading in headings:
        x, y = corners[-1]
        # Rounded, because cosines may differ in their last bit between machines.
        corners.append((round(x + PIECE * math.cos(heading), 9), round(y + PIECE * math.sin(heading), 9)))
    walls = []
    longer = HALF_WIDTH * math.tan(0.5 * BEND)  # so that rails meet on the outer side of a bend
    for corner, heading in zip(corners, headings, strict=False):
        for aside in (HALF_WIDTH + RAIL, -HALF_WIDTH - RAIL):
            walls.append(Wall(*_moved(corner, heading, 0.5 * PIECE, aside), heading, 0.5 * PIECE + longer, RAIL))
    for place, heading in ((corners[0], headings[0]), (corners[-1], headings[-1])):
        walls.append(Wall(*place, heading, RAIL, HALF_WIDTH + 2.0 * RAIL))
    goal = len(corners) - 1 - BEYOND
    streets = [
        Street(*corners[i], *corners[i + 1], PIECE * (goal - i), PIECE * (goal - i - 1)) for i in range(len(headings))
    ]
    # Behind the destination the distance grows again.
    streets[goal:] = [s._replace(begin_left=-s.begin_left, end_left=-s.end_left) for s in streets[goal:]]
    return Map(tuple(walls), tuple(streets), tuple(corners[BEYOND : goal + 1]))


# -- the highway -----------------------------------------------------------------------------------------------------

LANE = 3.0  # m; the width of its three lanes
# m beyond the destination: room for other cars, all of which have passed it by when they stop at the end.
BEYOND_GOAL = 32.0
# m; the ends of what is free of rails, and what is free on both sides: nobody passes the destination by.
FREE = (-PIECE * BEYOND, -1.5 * LANE), (PIECE * PIECES + BEYOND_GOAL, 1.5 * LANE)
HIGHWAY_WALLS = 6


def highway() -> Map:
    """Returns a straight road of three lanes between guard rails, as long to the destination as other roads."""
    (begin, right), (end, left) = FREE
    goal = PIECE * PIECES
    half = 0.25 * (end - begin)  # rails come in two pieces: pictures take boxes that are longer for the ground
    walls = [
        Wall(begin + (1.0 + 2.0 * piece) * half, aside, 0.0, half, RAIL)
        for piece in range(2)
        for aside in (right - RAIL, left + RAIL)
    ]
    walls += [Wall(x, 0.0, 0.0, RAIL, left + 2.0 * RAIL) for x in (begin, end)]
    streets = (
        Street(begin, 0.0, goal, 0.0, goal - begin, 0.0),
        Street(goal, 0.0, end, 0.0, 0.0, BEYOND_GOAL),
    )
    return Map(tuple(walls), streets, ((0.0, 0.0), (goal, 0.0)))


def _moved(place: tuple[float, float], heading: float, along: float, aside: float) -> tuple[float, float]:
    cos, sin = math.cos(heading), math.sin(heading)
    return place[0] + along * cos - aside * sin, place[1] + along * sin + aside * cos
