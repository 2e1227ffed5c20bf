"""Roads and cities: connected, free of walls, the same around every start."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest

from metarl_bench.pictures.paths import MOST_BOX
from metarl_bench.registry import make_suite
from metarl_bench.tasks import Task
from metarl_suites.navigation.charts import Charts
from metarl_suites.navigation.cities import (
    CITY_CORNERS,
    CITY_STREETS,
    CITY_WALLS,
    GENERATORS,
    MOST_EDGES,
    city,
    destination,
)
from metarl_suites.navigation.maps import (
    HALF_WIDTH,
    HIGHWAY_WALLS,
    PIECE,
    PIECES,
    ROAD_WALLS,
    STRAIGHT,
    Map,
    highway,
    road,
)
from metarl_suites.navigation.plans import Plan, sparse_plan_v1, sparse_plan_v2
from metarl_suites.navigation.rays import Boxes

LAYOUTS = [round(0.013 + 0.031 * number, 6) for number in range(30)]
MAPS = (
    [road(layout) for layout in LAYOUTS]
    + [city(kind, layout) for kind in GENERATORS for layout in LAYOUTS]
    + [destination(along, nearest=16.0, farthest=64.0, straight_on=on) for on in (True, False) for along in LAYOUTS]
)


def chart_of(place: Map) -> Charts:
    charts = Charts(1, streets=max(16, CITY_STREETS), corners=max(15, CITY_CORNERS))
    charts.assign(np.intp(0), place)
    return charts


def clearance(place: Map, points: np.ndarray) -> np.ndarray:
    """Returns how far points are from the nearest wall, by rays all around."""
    boxes = Boxes(len(points), len(place.walls))
    boxes.place(slice(None), slice(None), np.repeat(np.array(place.walls)[np.newaxis], len(points), axis=0))
    rounds = [boxes.distances(slice(None), points, np.full(len(points), turn)) for turn in (0.0, 0.2, 0.4, 0.6)]
    return np.min(rounds, axis=(0, 2))


def along(place: Map, charts: Charts) -> np.ndarray:
    length = charts.left(slice(None), np.zeros((1, 2)))
    return np.concatenate([charts.ahead(length, float(ahead)) for ahead in np.arange(0.0, float(length[0]), 1.0)])


@pytest.mark.parametrize("place", [*MAPS[::3], highway()])
def test_routes_are_free_and_lead_to_the_destination(place: Map) -> None:
    charts = chart_of(place)
    points = along(place, charts)
    assert clearance(place, points).min() > 2.0
    left = [float(charts.left(slice(None), point[np.newaxis])[0]) for point in points]
    assert np.diff(left) == pytest.approx(-1.0, abs=1e-6)
    assert charts.left(slice(None), charts.goals)[0] == pytest.approx(0.0, abs=1e-9)


def test_maps_have_no_more_parts_than_their_suites_say() -> None:
    for place in MAPS[:30]:
        assert len(place.walls) == ROAD_WALLS
        assert len(place.streets) <= 16
        assert len(place.route) <= 15
    for place in MAPS[30:]:
        assert len(place.walls) <= CITY_WALLS
        assert len(place.streets) <= CITY_STREETS
        assert len(place.route) <= CITY_CORNERS


def test_roads_are_straight_at_the_start_and_never_meet_themselves() -> None:
    for place in MAPS[:30]:
        route = np.array(place.route)
        assert len(route) == PIECES + 1
        assert route[: STRAIGHT + 1] == pytest.approx(np.array([[PIECE * i, 0.0] for i in range(STRAIGHT + 1)]))
        assert np.diff(route[:, 0]).min() > 2.0
        points = along(place, chart_of(place))
        assert clearance(place, points).max() < HALF_WIDTH + 0.01


def test_the_highway_is_as_long_as_roads_and_has_rails_that_pictures_take_for_walls() -> None:
    place = highway()
    assert len(place.walls) == HIGHWAY_WALLS
    charts = chart_of(place)
    assert charts.left(slice(None), np.zeros((1, 2)))[0] == PIECE * PIECES
    beyond = charts.left(slice(None), np.array([[PIECE * PIECES + 10.0, 2.0]]))[0]
    assert beyond == pytest.approx(10.0)
    assert max(wall.half_length for wall in place.walls) < MOST_BOX


def test_other_layouts_are_other_maps() -> None:
    assert len({place.route for place in MAPS[:30]}) == 30
    for kind in GENERATORS:
        assert len({city(kind, layout).walls for layout in LAYOUTS}) > 25
    assert road(0.3) == road(0.3)
    assert city("ring", 0.3) == city("ring", 0.3)


def test_all_generators_have_the_same_start_and_destinations() -> None:
    for layout in LAYOUTS:
        assert len({city(kind, layout).route[-1] for kind in GENERATORS}) == 1
        for kind in GENERATORS:
            place = city(kind, layout)
            assert place.route[:2] == ((0.0, 0.0), (16.0, 0.0))
            assert len(place.route) <= MOST_EDGES + 1


@pytest.mark.parametrize(
    ("kind", "closed", "loops"),
    [
        ("grid", (4, 6), (8, 11)),
        ("ring", (11, 12), (3, 4)),
        ("mountain", (15, 15), (0, 5)),
        ("alleys", (7, 10), (4, 8)),
        ("comb", (15, 15), (0, 2)),
    ],
)
def test_generators_close_as_many_streets_as_the_card_says(
    kind: str, closed: tuple[int, int], loops: tuple[int, int]
) -> None:
    for layout in LAYOUTS:
        place = city(kind, layout)
        # Beside 16 blocks, a fence of 4 and the two streets that are closed at every start.
        assert closed[0] <= len(place.walls) - 22 <= closed[1]
        crossings = {end for street in place.streets for end in (street[:2], street[2:4])}
        assert loops[0] <= len(place.streets) - len(crossings) + 1 <= loops[1]


def test_generators_differ_in_their_streets() -> None:
    counts = {kind: np.mean([len(city(kind, layout).streets) for layout in LAYOUTS]) for kind in GENERATORS}
    assert counts["mountain"] < counts["ring"] < counts["grid"]
    ring = city("ring", 0.4)
    centre = (32.0, 0.0)
    assert all((s.begin_x, s.begin_y) != centre and (s.end_x, s.end_y) != centre for s in ring.streets)


def test_the_distance_that_is_left_changes_smoothly_in_streets() -> None:
    """No place pays twice: along any street, the distance left changes by what is driven at most."""
    for place in MAPS[30::7]:
        charts = chart_of(place)
        for street in place.streets:
            shares = np.linspace(0.0, 1.0, 17)[:, np.newaxis]
            begin, end = np.array(street[:2]), np.array(street[2:4])
            points = begin + shares * (end - begin)
            left = np.array([charts.left(slice(None), point[np.newaxis])[0] for point in points])
            step = float(np.hypot(*(end - begin))) / 16.0
            assert np.abs(np.diff(left)).max() < step + 1e-6


@pytest.mark.parametrize(
    ("plan", "rings"),
    [
        (sparse_plan_v1, {(0.0, 1.0): (16.0, 32.0), (1.0, 2.0): (32.0, 48.0)}),
        (
            sparse_plan_v2,
            {
                (0.0, 1 / 3): (16.0, 32.0),
                (1 / 3, 2 / 3): (32.0, 48.0),
                (2 / 3, 1.0): (48.0, 64.0),
                (1.0, 2.0): (64.0, 80.0),
            },
        ),
    ],
)
def test_sparse_destinations_lie_where_the_card_says(
    plan: Callable[[Task], Plan], rings: dict[tuple[float, float], tuple[float, float]]
) -> None:
    suite = make_suite("navigation/drive-sparse-v2")
    for (begin, end), (nearest, farthest) in rings.items():
        goals = []
        for number in np.linspace(begin + 0.005, end - 0.005, 31):
            place = plan(suite.task("train", 0, destination=number)).map
            left = chart_of(place).left(slice(None), np.zeros((1, 2)))[0]
            assert nearest <= left <= farthest
            assert clearance(place, np.array(place.route[-1:])).min() > 2.0
            goals.append(place.route[-1])
        assert min(np.hypot(a[0] - b[0], a[1] - b[1]) for a, b in itertools.combinations(goals, 2)) > 0.5
        on_row = [goal for goal in goals if goal[1] == 0.0 and goal[0] % 16.0 > 0.0]
        assert bool(on_row) == (plan is sparse_plan_v1)
