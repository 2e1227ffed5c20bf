"""The shapes of the grounds against what their kinds say."""

from __future__ import annotations

import itertools

import mujoco
import numpy as np
import pytest

from metarl_bench.registry import make_suite
from metarl_suites.frozen import noise
from metarl_suites.terrain.grounds import (
    BACK,
    FRONT,
    HURDLE,
    PIECES,
    PROFILES,
    WALL,
    Ground,
    heights,
    pieces,
    table,
)
from metarl_suites.terrain.kinds import HELD_OUT, TRAINED, Kind
from metarl_suites.terrain.models import terrain
from metarl_suites.terrain.robots import CHEETAH

KINDS = (*TRAINED, *HELD_OUT)
LEVEL = CHEETAH.level
LEVEL_BEHIND, LEVEL_AHEAD = LEVEL


def corners(kind: Kind) -> list[Ground]:
    ends = (kind.height, kind.length, kind.friction, (0.0, 0.37, 1.0))
    return [Ground(kind.name, *place) for place in itertools.product(*ends)]


def surface(ground: Ground, x: float) -> float:
    return float(heights(table(pieces(ground, LEVEL))[..., np.newaxis], np.array([[x]]))[0, 0])


def shaped_to(ground: Ground) -> float:
    """Returns where level ground, or else the wall, begins to follow, m."""
    *_, last, wall = pieces(ground, LEVEL)
    return last.begin if last.low == last.high else wall.begin


def test_kinds_and_profiles_belong_together() -> None:
    assert {kind.name for kind in KINDS} == set(PROFILES)
    assert len({kind.name for kind in KINDS}) == len(KINDS)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_pieces_cover_the_track_once_between_its_walls(kind: Kind) -> None:
    for ground in corners(kind):
        found = pieces(ground, LEVEL)
        assert len(found) <= PIECES
        assert (found[0].begin, found[-1].end) == (BACK, FRONT)
        for one, following in itertools.pairwise(found):
            assert one.end == pytest.approx(following.begin, abs=1e-9)
            assert one.end > one.begin
        walls = [found[0].low - found[1].low, found[-1].high - found[-2].high]
        assert walls == pytest.approx([WALL, WALL])


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_ground_is_the_same_around_the_start(kind: Kind) -> None:
    for ground in corners(kind):
        inside = [piece for piece in pieces(ground, LEVEL) if piece.end > -LEVEL_BEHIND and piece.begin < LEVEL_AHEAD]
        assert len(inside) == 1
        assert (inside[0].low, inside[0].high, inside[0].ice) == (0.0, 0.0, False)


def test_known_heights() -> None:
    edge = LEVEL_AHEAD
    assert surface(Ground("slope-up", 0.2, 1.0, 1.0, 0.0), edge + 5.0) == pytest.approx(1.0)
    assert surface(Ground("slope-down", 0.2, 1.0, 1.0, 0.0), edge + 5.0) == pytest.approx(-1.0)
    # Both ways the ground rises: a start lies in a valley.
    assert surface(Ground("slope-up", 0.2, 1.0, 1.0, 0.0), -LEVEL_BEHIND - 5.0) == pytest.approx(1.0)
    stairs = Ground("stairs-up", 0.1, 0.5, 1.0, 0.0)
    assert [surface(stairs, edge + x) for x in (0.1, 0.4, 0.6, 1.4)] == pytest.approx([0.1, 0.1, 0.2, 0.3])
    down = Ground("stairs-down", 0.1, 0.5, 1.0, 0.0)
    assert [surface(down, edge + x) for x in (0.1, 0.6)] == pytest.approx([-0.1, -0.2])
    # Beyond the track's ends, its walls go on.
    assert surface(stairs, 1e9) == surface(stairs, FRONT) > WALL
    assert surface(stairs, -1e9) == surface(stairs, BACK) == surface(stairs, np.nan) > WALL
    waves = Ground("waves", 0.4, 3.0, 1.0, 0.0)
    # Corners of the six pieces lie on the cosine; between them the ground is straight.
    assert [surface(waves, edge + x) for x in (0.5, 0.75, 1.5, 3.0, 4.5)] == pytest.approx([0.1, 0.2, 0.4, 0.0, 0.4])


def test_every_kind_is_shaped_for_fifteen_metres() -> None:
    for kind in KINDS:
        for ground in corners(kind):
            assert shaped_to(ground) - LEVEL_AHEAD > 15.0, ground


def test_test_tasks_are_shaped_as_far_as_their_card_says() -> None:
    reaches: dict[str, list[float]] = {}
    for task in make_suite("locomotion/terrain-cheetah-v1").tasks("test"):
        ground = Ground.of(task)
        reaches.setdefault(ground.kind, []).append(shaped_to(ground))
    means = {kind: float(np.mean(found)) for kind, found in reaches.items()}
    card = {"slope-up": 69.0, "slope-down": 69.0, "stairs-up": 24.0, "waves": 24.0, "rubble": 27.0, "ice": 45.0}
    assert means == pytest.approx(card, abs=0.5)


def test_rubble_fills_its_range_and_follows_its_layout() -> None:
    first, second = (Ground("rubble", 0.1, 0.4, 1.0, layout) for layout in (0.1, 0.2))
    blocks = [piece.low for piece in pieces(first, LEVEL)[10:-5]]
    assert 0.0 <= min(blocks) < 0.02
    assert 0.08 < max(blocks) < 0.1
    assert pieces(first, LEVEL) == pieces(first, LEVEL)
    assert pieces(first, LEVEL) != pieces(second, LEVEL)


def test_hurdles_gaps_and_ice_have_one_each_in_every_stretch() -> None:
    for kind, height, length, width, every in (
        ("hurdles", 0.15, 2.0, HURDLE, 2.0),
        ("gaps", 0.3, 0.4, 0.4, 2.0),
        ("ice", 0.0, 1.5, 1.5, 3.0),
    ):
        ahead = [
            piece
            for piece in pieces(Ground(kind, height, length, 0.1, 0.6), LEVEL)
            if LEVEL_AHEAD <= piece.begin < 60.0
        ]
        special = [piece for piece in ahead if (piece.ice if kind == "ice" else piece.low != 0.0)]
        assert [piece.end - piece.begin for piece in special] == pytest.approx([width] * len(special))
        assert [int((piece.begin - LEVEL_AHEAD) // every) for piece in special] == list(range(len(special)))
        signed = -height if kind == "gaps" else height
        assert {round(piece.low, 9) for piece in special} == {signed}
        assert len(special) >= 12


def test_noise_is_even_and_the_same_everywhere() -> None:
    # The first two outputs of SplitMix64 from the state 0, as its authors' code prints them.
    assert [noise(0.0, number) for number in (0, 1)] == [
        (0xE220A8397B1DCDAF >> 11) / 2**53,
        (0x6E789E6AA1B965F4 >> 11) / 2**53,
    ]
    drawn = np.array([noise(0.5, number) for number in range(4000)])
    counts, _ = np.histogram(drawn, bins=10, range=(0.0, 1.0))
    assert counts.min() > 340
    assert abs(np.corrcoef(drawn[:-1], drawn[1:])[0, 1]) < 0.05


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_mujoco_has_the_surface_that_heights_say(kind: Kind) -> None:
    """Rays from above meet the boxes where the heights are."""
    ground = corners(kind)[-1]
    found = terrain(CHEETAH, ground)
    data = mujoco.MjData(found.model)
    mujoco.mj_forward(found.model, data)
    geom, torso = np.zeros(1, np.int32), found.model.body("torso").id
    edges = np.array([piece.begin for piece in pieces(ground, LEVEL)])
    compared = 0
    for x in np.arange(BACK + 1.0, FRONT - 1.0, 0.37):
        if np.abs(edges - x).min() < 0.06 or abs(x) < 1.0:
            continue  # at a step either height is right; above the start stands the robot
        above = np.array([x, 0.0, 40.0])
        below = mujoco.mj_ray(found.model, data, above, np.array([0.0, 0.0, -1.0]), None, 1, torso, geom)
        assert 40.0 - below == pytest.approx(surface(ground, x), abs=1e-6)
        compared += 1
    assert compared > 30


def test_friction_is_that_of_the_ground_and_ice_is_slippery_in_patches_only() -> None:
    plain = terrain(CHEETAH, Ground("rubble", 0.1, 0.2, 0.65, 0.5)).model
    boxes = plain.geom_priority == 1
    assert set(plain.geom_friction[boxes, 0]) == {0.65}
    icy = terrain(CHEETAH, Ground("ice", 0.0, 1.0, 0.05, 0.5)).model
    assert set(icy.geom_friction[icy.geom_priority == 1, 0]) == {0.05, 0.8}
    assert plain.body_mass.sum() == icy.body_mass.sum() == pytest.approx(14.0)  # boxes weigh nothing


def test_a_model_does_not_depend_on_those_made_before_it() -> None:
    ground = Ground("slope-up", 0.2, 1.0, 0.7, 0.0)
    models = []
    for before in ("ice", "waves"):
        terrain.cache_clear()
        terrain(CHEETAH, Ground(before, 0.2, 1.0, 0.1, 0.3))
        models.append(terrain(CHEETAH, ground).model)
    for name in ("geom_pos", "geom_quat", "geom_size", "geom_friction", "geom_rgba", "bvh_aabb"):
        assert np.array_equal(getattr(models[0], name), getattr(models[1], name)), name


def test_level_ground_made_of_boxes_trips_nobody() -> None:
    """The robot on stairs without height does nearly what it does on the plane of the classic suites."""
    plane = make_suite("locomotion/cheetah-velocity-v1").make_worlds(1, num_threads=1)
    plane.set_tasks([make_suite("locomotion/cheetah-velocity-v1").tasks("test")[0]])
    plane.reset(seed=0)
    model, data = plane.scene(0)
    boxes = terrain(CHEETAH, Ground("stairs-up", 0.0, 0.5, 0.4, 0.0)).model
    copy = mujoco.MjData(boxes)
    copy.qpos[:], copy.qvel[:] = data.qpos, data.qvel
    data.qvel[0] = copy.qvel[0] = 3.0
    for _ in range(100):
        mujoco.mj_step(model, data)
        mujoco.mj_step(boxes, copy)
    assert copy.qpos == pytest.approx(data.qpos, abs=0.05)
