"""Cities: streets between blocks of houses, on a lattice of crossings. Generators differ in what is closed."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from metarl_suites.frozen import noise
from metarl_suites.navigation.maps import Map, Street, Wall

SIDE = 5  # crossings along a side
SPACING = 16.0  # m from crossing to crossing
WIDE, NARROW = 4.0, 2.6  # m; half the width of streets, and of alleys
MOST_EDGES = 7  # streets from the start to the destination: 112 m
MOST_CLOSED = 17
FENCE = 0.5  # m; half the thickness of what surrounds a city
CITY_WALLS = 4 + (SIDE - 1) ** 2 + MOST_CLOSED
CITY_STREETS = 2 * SIDE * (SIDE - 1) + 1
CITY_CORNERS = MOST_EDGES + 3

Node = tuple[int, int]  # column and row
Edge = tuple[Node, Node]

_MIDDLE = SIDE // 2
START: Node = (0, _MIDDLE)
_CENTRE: Node = (_MIDDLE, _MIDDLE)
# Only one street leads away from the start, and it is open in all cities: no start tells the generator.
_FIRST: Edge = (START, (1, _MIDDLE))
_SHUT: frozenset[Edge] = frozenset({((0, _MIDDLE - 1), START), (START, (0, _MIDDLE + 1))})
NODES: tuple[Node, ...] = tuple((column, row) for column in range(SIDE) for row in range(SIDE))
EDGES: tuple[Edge, ...] = tuple(
    (node, other) for node in NODES for other in ((node[0] + 1, node[1]), (node[0], node[1] + 1)) if max(other) < SIDE
)
# The same destinations for all generators, for the same reason; the ring has no way to the centre.
GOALS: tuple[Node, ...] = tuple(node for node in NODES if node[0] >= _MIDDLE and node != _CENTRE)


def city(kind: str, layout: float) -> Map:
    """Returns a city.

    Args:
        kind: Which generator, one of ``GENERATORS``.
        layout: In [0, 1]; another one is another city of that kind, with another destination.
    """
    goal = GOALS[int(noise(layout, 0) * len(GOALS))]
    closed = set(_SHUT)
    for edge in GENERATORS[kind](layout):
        if len(closed) < MOST_CLOSED and edge != _FIRST:
            distances = _distances({goal: 0.0}, closed | {edge})
            if distances.get(START, SPACING * SIDE**2) <= MOST_EDGES * SPACING:
                closed.add(edge)
    return _map(closed, {goal: 0.0}, _place(goal), NARROW if kind == "alleys" else WIDE)


def destination(along: float, *, nearest: float, farthest: float, straight_on: bool) -> Map:
    """Returns a city with all streets open, and a destination anywhere on those at some distance from the start.

    Args:
        along: In [0, 1]; where on these streets.
        nearest: Least distance of a street's nearer end from the start, m.
        farthest: Greatest distance of its farther end.
        straight_on: Whether it may be in the street that a car takes by never turning.
    """
    from_start = _distances({START: 0.0}, set(_SHUT))
    chosen = [
        edge
        for edge in EDGES
        if all(nearest <= from_start[node] <= farthest for node in edge)
        and (straight_on or any(row != _MIDDLE for _, row in edge))
    ]
    number, share = divmod(min(along, 1.0 - 1e-9) * len(chosen), 1.0)
    begin, end = chosen[int(number)]
    (x, y), (end_x, end_y) = _place(begin), _place(end)
    goal = (x + share * (end_x - x), y + share * (end_y - y))
    return _map(set(_SHUT), {begin: share * SPACING, end: (1.0 - share) * SPACING}, goal, WIDE)


# -- generators: streets in the order in which they are closed, if the destination stays near enough -----------------


def _grid(layout: float) -> list[Edge]:
    """Six at most: the draws may hold some that must stay open, or are closed in all cities."""
    return _shuffled(EDGES, layout)[:6]


def _ring(layout: float) -> list[Edge]:
    """A ring road, and a roundabout about the centre, with four streets in between."""
    centre = [edge for edge in EDGES if _CENTRE in edge]
    spokes = [edge for edge in EDGES if _outer(edge[0]) != _outer(edge[1]) and edge != _FIRST]
    return centre + _shuffled(spokes, layout)[: len(spokes) - 3]


def _mountain(layout: float) -> list[Edge]:
    """Any, until ``MOST_CLOSED`` are: winding roads with dead ends, and up to five ways round."""
    return _shuffled(EDGES, layout)


def _alleys(layout: float) -> list[Edge]:
    """Ten at most."""
    return _shuffled(EDGES, layout)[:10]


def _comb(layout: float) -> list[Edge]:
    """Long streets across, and one along or two for each."""
    return _shuffled([edge for edge in EDGES if edge[0][1] == edge[1][1]], layout)


GENERATORS: dict[str, Callable[[float], list[Edge]]] = {
    "grid": _grid,
    "ring": _ring,
    "mountain": _mountain,
    "alleys": _alleys,
    "comb": _comb,
}


def _outer(node: Node) -> bool:
    return min(node) == 0 or max(node) == SIDE - 1


def _shuffled(edges: list[Edge] | tuple[Edge, ...], layout: float) -> list[Edge]:
    return [edge for _, edge in sorted((noise(layout, 1 + number), edge) for number, edge in enumerate(edges))]


# -- from closed streets to a map -----------------------------------------------------------------------------------


def _place(node: Node) -> tuple[float, float]:
    return SPACING * node[0], SPACING * (node[1] - _MIDDLE)


def _distances(begin: dict[Node, float], closed: set[Edge]) -> dict[Node, float]:
    """Returns how far it is to each crossing that can be reached, m, given how far it is to some."""
    found = dict(begin)
    waiting = list(begin)
    while waiting:
        node = waiting.pop(0)
        for edge in EDGES:
            if node in edge and edge not in closed:
                other = edge[0] if edge[1] == node else edge[1]
                if found[node] + SPACING < found.get(other, float("inf")):
                    found[other] = found[node] + SPACING
                    waiting.append(other)
    return found


def _map(closed: set[Edge], near_goal: dict[Node, float], goal: tuple[float, float], half_width: float) -> Map:
    left = _distances(near_goal, closed)
    streets = []
    for begin, end in EDGES:
        if (begin, end) in closed or begin not in left:
            continue
        if {begin, end} == set(near_goal):  # the destination lies in this street
            for node in (begin, end):
                if near_goal[node] > 0.0:
                    streets.append(Street(*_place(node), *goal, near_goal[node], 0.0))
        else:
            streets.append(Street(*_place(begin), *_place(end), left[begin], left[end]))
    return Map(_walls(closed, half_width), tuple(streets), _route(closed, left, near_goal, goal))


def _route(
    closed: set[Edge], left: dict[Node, float], near_goal: dict[Node, float], goal: tuple[float, float]
) -> tuple[tuple[float, float], ...]:
    node, corners = START, [_place(START)]
    while left[node] > near_goal.get(node, -1.0):
        around = [edge for edge in EDGES if node in edge and edge not in closed]
        node = min((other for edge in around for other in edge if other != node), key=lambda other: left[other])
        corners.append(_place(node))
    return tuple(corners) if corners[-1] == goal else (*corners, goal)


def _walls(closed: set[Edge], half_width: float) -> tuple[Wall, ...]:
    half_block = 0.5 * SPACING - half_width
    walls = [
        Wall(SPACING * (column + 0.5), SPACING * (row + 0.5 - _MIDDLE), 0.0, half_block, half_block)
        for column, row in itertools.product(range(SIDE - 1), repeat=2)
    ]
    for begin, end in sorted(closed):
        (x, y), (end_x, end_y) = _place(begin), _place(end)
        along = begin[1] == end[1]
        half = (half_block, half_width) if along else (half_width, half_block)
        walls.append(Wall(0.5 * (x + end_x), 0.5 * (y + end_y), 0.0, *half))
    middle = 0.5 * SPACING * (SIDE - 1)
    reach = middle + half_width + FENCE
    walls += [Wall(middle, side * reach, 0.0, reach + FENCE, FENCE) for side in (-1.0, 1.0)]
    walls += [Wall(middle + side * reach, 0.0, 0.0, FENCE, reach + FENCE) for side in (-1.0, 1.0)]
    return tuple(walls)
