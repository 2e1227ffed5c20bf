"""Numbers for tasks that are the same on every machine and in every version of numpy."""

from __future__ import annotations


def spread(index: int, dimensions: int) -> list[float]:
    """Returns a point of a sequence that fills the unit cube evenly (Roberts' R sequence).

    Args:
        index: 0 or more.
        dimensions: Of the cube.
    """
    root = 2.0  # becomes that of x^(dimensions + 1) = x + 1
    for _ in range(64):
        root = (1.0 + root) ** (1.0 / (dimensions + 1))
    return [round((0.5 + (index + 1) * root**-power) % 1.0, 9) for power in range(1, dimensions + 1)]


def noise(layout: float, number: int) -> float:
    """Returns a number in [0, 1).

    Args:
        layout: In [0, 1]; another one gives other numbers.
        number: 0 or more.
    """
    # SplitMix64 (Steele et al. 2014).
    word = (round(layout * 2**40) + (number + 1) * 0x9E3779B97F4A7C15) % 2**64
    word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    word = (word ^ (word >> 27)) * 0x94D049BB133111EB % 2**64
    return ((word ^ (word >> 31)) >> 11) / 2**53
