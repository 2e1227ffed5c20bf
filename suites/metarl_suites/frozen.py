"""Numbers for tasks that are the same on every machine and in every version of numpy."""

from __future__ import annotations

from typing import Any

# What SplitMix64 multiplies its counter with: 2^64 over the golden ratio.
GOLDEN = 0x9E3779B97F4A7C15
_WORD = 2**64 - 1


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
    word = (round(layout * 2**40) + (number + 1) * GOLDEN) & _WORD
    return float((mixed(word) >> 11) / 2**53)


def mixed(word: Any) -> Any:
    """Returns a word of 64 bits, or an array of them (uint64), mixed: SplitMix64's last steps (Steele et al. 2014)."""
    word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9 & _WORD
    word = (word ^ (word >> 27)) * 0x94D049BB133111EB & _WORD
    return word ^ (word >> 31)
