"""The settings of the random agent."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomConfig:
    """None: the random agent is the same for everybody, since scores are normalised by it."""
