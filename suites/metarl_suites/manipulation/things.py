"""Objects to pick up: their shapes, and what they are like; loads without MuJoCo."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

from metarl_bench.tasks import Task

Sort = Literal["box", "cylinder"]
# Parts of the shape that has most; models of others have as many, some of which touch nothing.
PARTS = 3


class Thing(NamedTuple):
    """What a task hides: an object.

    Attributes:
        shape: A name in ``SHAPES``.
        width: m; between the fingers.
        height: m.
        mass: kg.
        friction: 1; sliding friction of whatever touches it.
    """

    shape: str
    width: float
    height: float
    mass: float
    friction: float

    @classmethod
    def of(cls, task: Task) -> Thing:
        """Returns the object of a task."""
        return cls(str(task["shape"]), *(task.number(name) for name in cls._fields[1:]))


class Part(NamedTuple):
    """A piece of an object; x is along the fingers' pads, y from one finger to the other, z upward.

    Attributes:
        sort: What it is; cylinders stand.
        size: m; half lengths along x, y and z.
        place: m; of its middle over the middle of the object's lower side.
    """

    sort: Sort
    size: tuple[float, float, float]
    place: tuple[float, float, float]


def parts(thing: Thing) -> list[Part]:
    """Returns what an object is made of."""
    return SHAPES[thing.shape](0.5 * thing.width, 0.5 * thing.height)


def _cylinder(w: float, h: float) -> list[Part]:
    return [Part("cylinder", (w, w, h), (0.0, 0.0, h))]


def _box(w: float, h: float) -> list[Part]:
    return [Part("box", (w, w, h), (0.0, 0.0, h))]


def _bar(w: float, h: float) -> list[Part]:
    return [Part("box", (2.0 * w, w, h), (0.0, 0.0, h))]


def _step(w: float, h: float) -> list[Part]:
    return [
        Part("box", (2.0 * w, w, 0.5 * h), (0.0, 0.0, 0.5 * h)),
        Part("box", (w, w, 0.5 * h), (-w, 0.0, 1.5 * h)),
    ]


def _tower(w: float, h: float) -> list[Part]:
    return [
        Part("box", (w, w, 0.6 * h), (0.0, 0.0, 0.6 * h)),
        Part("cylinder", (0.6 * w, 0.6 * w, 0.4 * h), (0.0, 0.0, 1.6 * h)),
    ]


def _cross(w: float, h: float) -> list[Part]:
    return [
        Part("box", (2.0 * w, 0.5 * w, h), (0.0, 0.0, h)),
        Part("box", (0.5 * w, w, h), (0.0, 0.0, h)),
    ]


def _dumbbell(w: float, h: float) -> list[Part]:
    ends = [Part("cylinder", (w, w, h), (side * 1.5 * w, 0.0, h)) for side in (-1.0, 1.0)]
    return [*ends, Part("box", (1.5 * w, 0.5 * w, 0.5 * h), (0.0, 0.0, h))]


def _mushroom(w: float, h: float) -> list[Part]:
    return [
        Part("cylinder", (0.7 * w, 0.7 * w, 0.7 * h), (0.0, 0.0, 0.7 * h)),
        Part("cylinder", (w, w, 0.3 * h), (0.0, 0.0, 1.7 * h)),
    ]


# Objects of half the width and half the height.
SHAPES: dict[str, Callable[[float, float], list[Part]]] = {
    "cylinder": _cylinder,
    "box": _box,
    "bar": _bar,
    "step": _step,
    "tower": _tower,
    "cross": _cross,
    "dumbbell": _dumbbell,
    "mushroom": _mushroom,
}
TRAINED = ("cylinder", "box", "bar", "step", "tower")
HELD_OUT = ("cross", "dumbbell", "mushroom")
# Of the numbers of an object, in the order of ``Thing``; masses are drawn evenly in their logarithm.
RANGES: dict[str, tuple[float, float]] = {
    "width": (0.03, 0.05),
    "height": (0.03, 0.06),
    "mass": (0.1, 1.5),
    "friction": (0.3, 2.0),
}
