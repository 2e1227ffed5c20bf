"""From a task's parameters to the pieces of its ground, along the one axis that planar robots move on."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from metarl_bench.tasks import Task
from metarl_suites.frozen import noise

Array = NDArray[np.float64]

BACK, FRONT = -10.0, 70.0  # m; the track, with a wall at each end
# Pieces that are shaped by the kind; level ground goes on where they end.
PIECES_BEHIND, PIECES_AHEAD = 5, 38
PIECES = PIECES_BEHIND + PIECES_AHEAD + 5  # with the start, two level ends and two walls
WALL = 3.0  # m; too high to climb
WALL_DEPTH = 1.0  # m
SLOPE = 100.0  # m; longer than the track
WAVE_PIECES = 6  # straight pieces of one wave
HURDLE = 0.1  # m; how thick a hurdle is
GAP_DISTANCE = 2.0  # m; from one gap to the next
SEPARATION = 0.05  # m; least distance between two of those


class Ground(NamedTuple):
    """A task's parameters; see the card of the suites for what they mean for each kind."""

    kind: str
    height: float
    length: float
    friction: float
    layout: float

    @classmethod
    def of(cls, task: Task) -> Ground:
        """Returns the ground of a task."""
        numbers = (task.number(name) for name in ("height", "length", "friction", "layout"))
        return cls(str(task["kind"]), *numbers)


class Piece(NamedTuple):
    """A straight piece of the surface, from (begin, low) to (end, high), m; its ends may be at different heights."""

    begin: float
    low: float
    end: float
    high: float
    ice: bool = False


def pieces(ground: Ground, level: tuple[float, float]) -> list[Piece]:
    """Returns the surface from the back of the track to its front; at most ``PIECES`` pieces.

    Args:
        ground: What it is like.
        level: m; behind and ahead of the start, where every ground is level.
    """
    profile, (level_behind, level_ahead) = PROFILES[ground.kind], level
    ahead = [_shifted(piece, level_ahead) for piece in profile(ground, range(PIECES_AHEAD))]
    # Other numbers, so that what is irregular is so on both sides.
    behind = [_shifted(piece, level_behind) for piece in profile(ground, range(1000, 1000 + PIECES_BEHIND))]
    start = Piece(-level_behind, 0.0, level_ahead, 0.0)
    return [*(_mirrored(piece) for piece in reversed(_ended(behind, -BACK))), start, *_ended(ahead, FRONT)]


def table(surface: list[Piece]) -> Array:
    """Returns a surface as numbers [3, PIECES], padded in front: beginnings of pieces, heights there, slopes."""
    rows = [(piece.begin, piece.low, (piece.high - piece.low) / (piece.end - piece.begin)) for piece in surface]
    missing = [(-np.inf, 0.0, 0.0)] * (PIECES - len(rows))
    return np.array([*missing, *rows]).T


def heights(tables: Array, places: Array) -> Array:
    """Returns the heights of surfaces, m.

    Args:
        tables: One for each world [3, PIECES, worlds].
        places: Along the track, m [any, worlds]; beyond its ends, its walls go on.
    """
    places = np.fmax(places, BACK)  # the back for NaN, too: a world that has broken may be nowhere
    begun = tables[0, :, np.newaxis] <= places
    last = begun.view(np.uint8).sum(axis=0, dtype=np.uint8) - np.intp(1)
    worlds = places.shape[-1]
    begin, low, slope = tables.reshape(3, -1).take(last * worlds + np.arange(worlds), axis=1)
    found: Array = low + slope * (places - begin)
    return found


# -- the kinds: pieces one behind the other, outwards from the end of the flat start --------------------------------


def _slope(sign: float, ground: Ground, numbers: range) -> list[Piece]:
    return [Piece(0.0, 0.0, SLOPE, sign * SLOPE * ground.height / ground.length)]


def _stairs(sign: float, ground: Ground, numbers: range) -> list[Piece]:
    return [_level(step, ground.length, sign * ground.height * (step + 1)) for step in range(len(numbers))]


def _waves(ground: Ground, numbers: range) -> list[Piece]:
    width = ground.length / WAVE_PIECES
    # Rounded, because the cosine may differ in its last bit between machines.
    rises = [
        round(0.5 * ground.height * (1.0 - np.cos(2.0 * np.pi * (point % WAVE_PIECES) / WAVE_PIECES)), 9)
        for point in range(len(numbers) + 1)
    ]
    return [Piece(width * i, rises[i], width * (i + 1), rises[i + 1]) for i in range(len(numbers))]


def _rubble(ground: Ground, numbers: range) -> list[Piece]:
    return [
        _level(block, ground.length, ground.height * noise(ground.layout, number))
        for block, number in enumerate(numbers)
    ]


def _hurdles(ground: Ground, numbers: range) -> list[Piece]:
    return _scattered(ground, numbers, every=ground.length, width=HURDLE, height=ground.height)


def _gaps(ground: Ground, numbers: range) -> list[Piece]:
    return _scattered(ground, numbers, every=GAP_DISTANCE, width=ground.length, height=-ground.height)


def _ice(ground: Ground, numbers: range) -> list[Piece]:
    return _scattered(ground, numbers, every=2.0 * ground.length, width=ground.length, height=0.0, ice=True)


PROFILES: dict[str, Callable[[Ground, range], list[Piece]]] = {
    "slope-up": functools.partial(_slope, 1.0),
    "slope-down": functools.partial(_slope, -1.0),
    "stairs-up": functools.partial(_stairs, 1.0),
    "stairs-down": functools.partial(_stairs, -1.0),
    "waves": _waves,
    "rubble": _rubble,
    "ice": _ice,
    "hurdles": _hurdles,
    "gaps": _gaps,
}


def _scattered(
    ground: Ground, numbers: range, *, every: float, width: float, height: float, ice: bool = False
) -> list[Piece]:
    """Returns level ground with one other piece in each stretch of length ``every``, at random in it."""
    found, end = [], 0.0
    free = every - width - SEPARATION
    for stretch, number in enumerate(numbers[: (len(numbers) - 1) // 2]):
        begin = stretch * every + SEPARATION + noise(ground.layout, number) * free
        found += [Piece(end, 0.0, begin, 0.0), Piece(begin, height, begin + width, height, ice)]
        end = begin + width
    return [*found, Piece(end, 0.0, end + every, 0.0)]


def _level(number: int, width: float, height: float) -> Piece:
    return Piece(number * width, height, (number + 1) * width, height)


def _ended(surface: list[Piece], limit: float) -> list[Piece]:
    """Returns a surface, outwards, that is cut or goes on level to a wall at the track's limit."""
    wall = limit - WALL_DEPTH
    found = [_cut(piece, wall) for piece in surface if piece.begin < wall]
    last = found[-1]
    if last.end < wall:
        found.append(Piece(last.end, last.high, wall, last.high))
    top = found[-1].high + WALL
    return [*found, Piece(wall, top, limit, top)]


def _cut(piece: Piece, limit: float) -> Piece:
    if piece.end <= limit:
        return piece
    share = (limit - piece.begin) / (piece.end - piece.begin)
    return piece._replace(end=limit, high=piece.low + share * (piece.high - piece.low))


def _shifted(piece: Piece, distance: float) -> Piece:
    return piece._replace(begin=piece.begin + distance, end=piece.end + distance)


def _mirrored(piece: Piece) -> Piece:
    return Piece(-piece.end, piece.high, -piece.begin, piece.low, piece.ice)
