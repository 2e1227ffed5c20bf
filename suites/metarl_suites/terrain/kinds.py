"""The kinds of ground and their ranges; light data, no simulation."""

from __future__ import annotations

from dataclasses import dataclass

Range = tuple[float, float]
GRIP: Range = (0.5, 1.0)  # 1; sliding friction of rubber on dirt to rubber on concrete


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of ground and the ranges of its parameters.

    Attributes:
        name: As in the tasks' parameter ``kind``.
        height: m; how much rises or falls, see ``grounds``.
        length: m; over which distance.
        friction: 1; sliding friction of the ground; of kind ``ice``, that of its patches.
    """

    name: str
    height: Range
    length: Range
    friction: Range = GRIP


# The shortest stairs, waves and rubble are shaped for 15 m, and level from there on: see ``grounds.PIECES_AHEAD``.
TRAINED: tuple[Kind, ...] = (
    Kind(name="slope-up", height=(0.05, 0.35), length=(1.0, 1.0)),
    Kind(name="slope-down", height=(0.05, 0.35), length=(1.0, 1.0)),
    Kind(name="stairs-up", height=(0.03, 0.12), length=(0.4, 0.8)),
    Kind(name="waves", height=(0.1, 0.4), length=(2.4, 4.8)),
    Kind(name="rubble", height=(0.03, 0.15), length=(0.4, 0.8)),
    Kind(name="ice", height=(0.0, 0.0), length=(0.5, 2.0), friction=(0.02, 0.15)),
)
HELD_OUT: tuple[Kind, ...] = (
    Kind(name="stairs-down", height=(0.03, 0.12), length=(0.4, 0.8)),
    Kind(name="hurdles", height=(0.05, 0.2), length=(1.5, 3.0)),
    Kind(name="gaps", height=(0.3, 0.3), length=(0.15, 0.5)),
)
