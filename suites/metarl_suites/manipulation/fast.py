"""Faster forms of what Meta-World's rewards and observations call most, equal to the originals bit for bit.

Plain floats instead of arrays of one number. Whatever is not covered goes to the original.
"""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
from metaworld.utils import reward_utils

from metarl_suites.manipulation.shaping import Vector, length, long_tail


def norm(vector: Any, ord: int | None = None, **others: Any) -> Any:  # noqa: A002 - numpy's own name
    """``np.linalg.norm``."""
    plain = isinstance(vector, np.ndarray) and vector.dtype == np.float64 and vector.ndim == 1
    if plain and ord in (None, 2) and not others:
        return np.float64(length(vector))
    return np.linalg.norm(vector, ord, **others)


def tolerance(
    x: Any,
    bounds: tuple[float, float] = (0.0, 0.0),
    margin: Any = 0.0,
    sigmoid: Any = "gaussian",
    value_at_margin: float = 0.1,
) -> Any:
    """``reward_utils.tolerance``: 1 inside the bounds, falling with the distance to them outside."""
    if sigmoid != "long_tail" or not isinstance(x, float) or margin <= 0.0 or value_at_margin != 0.1:
        return reward_utils.tolerance(x, bounds, margin, sigmoid, value_at_margin)
    return long_tail(float(x), *bounds, float(margin))


class MatrixRotation:
    """``Rotation`` of one matrix that is a rotation, as MuJoCo's are."""

    def __init__(self, matrix: Vector) -> None:
        self._matrix = matrix

    @classmethod
    def from_matrix(cls, matrix: Vector) -> MatrixRotation:
        """``Rotation.from_matrix``."""
        return cls(matrix)

    def as_quat(self) -> Vector:
        """``Rotation.as_quat``: x, y, z, w."""
        rows = self._matrix.tolist()
        trace = rows[0][0] + rows[1][1] + rows[2][2]
        decisions = [rows[0][0], rows[1][1], rows[2][2], trace]
        choice = decisions.index(max(decisions))
        quat = [0.0] * 4
        if choice == 3:
            quat[0] = rows[2][1] - rows[1][2]
            quat[1] = rows[0][2] - rows[2][0]
            quat[2] = rows[1][0] - rows[0][1]
            quat[3] = 1.0 + trace
        else:
            i, j, k = choice, (choice + 1) % 3, (choice + 2) % 3
            quat[i] = 1.0 - trace + 2.0 * rows[i][i]
            quat[j] = rows[j][i] + rows[i][j]
            quat[k] = rows[k][i] + rows[i][k]
            quat[3] = rows[k][j] - rows[j][k]
        x, y, z, w = quat
        length = math.sqrt(x * x + y * y + z * z + w * w)
        return np.array([x / length, y / length, z / length, w / length])


class _Numpy:
    """numpy with the faster norm."""

    linalg = SimpleNamespace(norm=norm)

    def __getattr__(self, name: str) -> Any:
        value = getattr(np, name)
        setattr(self, name, value)
        return value


class _RewardUtils:
    """Meta-World's ``reward_utils`` with the faster tolerance."""

    tolerance = staticmethod(tolerance)

    def __getattr__(self, name: str) -> Any:
        value = getattr(reward_utils, name)
        setattr(self, name, value)
        return value


# What modules of Meta-World know these names as.
REPLACEMENTS: dict[str, Any] = {"np": _Numpy(), "reward_utils": _RewardUtils(), "Rotation": MatrixRotation}
