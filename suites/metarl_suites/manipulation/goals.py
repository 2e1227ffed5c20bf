"""Draws goal vectors as Meta-World's benchmarks draw them from a seed, without Meta-World."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from metarl_suites.manipulation.kinds import KINDS, Kind

# As in Meta-World's benchmarks.
GOALS_PER_KIND = 50


def draw_goals(kinds: Sequence[str], seed: int) -> list[tuple[str, NDArray[np.float64]]]:
    """Returns 50 goal vectors of each kind, those that Meta-World's benchmarks have with this seed.

    numpy promises never to change this old generator's stream, which is what frozen lists need.

    Args:
        kinds: In the order of the benchmark, which draws them one after another from one stream.
        seed: As in ``metaworld.ML1(name, seed=...)``.
    """
    stream = np.random.RandomState(seed)
    return [(name, vector) for name in kinds for vector in _draw_kind(KINDS[name], stream)]


def _draw_kind(kind: Kind, stream: np.random.RandomState) -> list[NDArray[np.float64]]:
    drawn = []
    for _ in range(GOALS_PER_KIND):
        _draw(kind, stream)  # Meta-World resets twice, and keeps what the second one drew
        drawn.append(_draw(kind, stream))
    return drawn


def _draw(kind: Kind, stream: np.random.RandomState) -> NDArray[np.float64]:
    while True:
        vector = stream.uniform(kind.low, kind.high, size=len(kind.low))
        if not kind.too_near(vector):
            return vector
