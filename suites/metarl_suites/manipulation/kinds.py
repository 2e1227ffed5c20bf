"""Meta-World's 50 kinds of task, and its splits, as frozen tables; loads without Meta-World.

A kind is one of Meta-World's environments. A task of a kind is a goal vector: where its object (or door, button, ...)
starts and, where that is drawn as well, where the goal is. The ranges are those of Meta-World 3.1.1.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# Components of a goal vector, in m; kinds whose goal follows from the object have the first three only.
COMPONENTS = ("object_x", "object_y", "object_z", "goal_x", "goal_y", "goal_z")


class Kind(NamedTuple):
    """What one of Meta-World's environments draws at reset.

    Attributes:
        low: Lower ends of the components of its goal vector.
        high: Upper ends.
        separation: m; vectors with object and goal nearer than this in x and y are drawn again.
    """

    low: tuple[float, ...]
    high: tuple[float, ...]
    separation: float = 0.0

    def holds(self, vector: NDArray[np.float64]) -> bool:
        """Returns whether Meta-World could draw this goal vector."""
        inside = bool(((self.low <= vector) & (vector <= self.high)).all())
        return inside and not self.too_near(vector)

    def too_near(self, vector: NDArray[np.float64]) -> bool:
        """Returns whether object and goal are nearer than the kind allows."""
        return self.separation > 0.0 and bool(np.linalg.norm(vector[:2] - vector[3:5]) < self.separation)


# fmt: off
KINDS: dict[str, Kind] = {
    "assembly": Kind((0.0, 0.6, 0.02, -0.1, 0.75, 0.1), (0.0, 0.6, 0.02, 0.1, 0.85, 0.1), 0.1),
    "basketball": Kind((-0.1, 0.6, 0.0299, -0.1, 0.85, 0.0), (0.1, 0.7, 0.0301, 0.1, 0.9000001, 0.0), 0.15),
    "bin-picking": Kind((-0.21, 0.65, 0.02, 0.1199, 0.699, -0.001), (-0.03, 0.75, 0.02, 0.1201, 0.701, 0.001)),
    "box-close": Kind((-0.05, 0.5, 0.02, -0.1, 0.7, 0.133), (0.05, 0.55, 0.02, 0.1, 0.8, 0.133), 0.25),
    "button-press-topdown": Kind((-0.1, 0.8, 0.115), (0.1, 0.9, 0.115)),
    "button-press-topdown-wall": Kind((-0.1, 0.8, 0.115), (0.1, 0.9, 0.115)),
    "button-press": Kind((-0.1, 0.85, 0.115), (0.1, 0.9, 0.115)),
    "button-press-wall": Kind((-0.05, 0.85, 0.1149), (0.05, 0.9, 0.1151)),
    "coffee-button": Kind((-0.1, 0.8, -0.001), (0.1, 0.9, 0.001)),
    "coffee-pull": Kind((-0.05, 0.7, -0.001, -0.1, 0.55, -0.001), (0.05, 0.75, 0.001, 0.1, 0.65, 0.001), 0.15),
    "coffee-push": Kind((-0.1, 0.55, -0.001, -0.05, 0.7, -0.001), (0.1, 0.65, 0.001, 0.05, 0.75, 0.001), 0.15),
    "dial-turn": Kind((-0.1, 0.7, 0.0), (0.1, 0.8, 0.0)),
    "disassemble": Kind((0.0, 0.6, 0.025, -0.1, 0.6, 0.1699), (0.1, 0.75, 0.02501, 0.1, 0.75, 0.1701), 0.1),
    "door-close": Kind((0.0, 0.85, 0.15), (0.1, 0.95, 0.15)),
    "door-lock": Kind((-0.1, 0.8, 0.15), (0.1, 0.85, 0.15)),
    "door-open": Kind((0.0, 0.85, 0.15), (0.1, 0.95, 0.15)),
    "door-unlock": Kind((-0.1, 0.8, 0.15), (0.1, 0.85, 0.15)),
    "hand-insert": Kind((-0.1, 0.6, 0.05, -0.04, 0.8, -0.0201), (0.1, 0.7, 0.05, 0.04, 0.88, -0.0199), 0.15),
    "drawer-close": Kind((-0.1, 0.9, 0.0), (0.1, 0.9, 0.0)),
    "drawer-open": Kind((-0.1, 0.9, 0.0), (0.1, 0.9, 0.0)),
    "faucet-open": Kind((-0.05, 0.8, 0.0), (0.05, 0.85, 0.0)),
    "faucet-close": Kind((-0.1, 0.8, 0.0), (0.1, 0.85, 0.0)),
    "hammer": Kind((-0.1, 0.4, 0.0), (0.1, 0.5, 0.0)),
    "handle-press-side": Kind((-0.35, 0.65, -0.001), (-0.25, 0.75, 0.001)),
    "handle-press": Kind((-0.1, 0.8, -0.001), (0.1, 0.9, 0.001)),
    "handle-pull-side": Kind((-0.35, 0.65, 0.0), (-0.25, 0.75, 0.0)),
    "handle-pull": Kind((-0.1, 0.8, -0.001), (0.1, 0.9, 0.001)),
    "lever-pull": Kind((-0.1, 0.7, 0.0), (0.1, 0.8, 0.0)),
    "pick-place-wall": Kind((-0.05, 0.6, 0.015, -0.05, 0.85, 0.05), (0.05, 0.65, 0.015, 0.05, 0.9, 0.3), 0.15),
    "pick-out-of-hole": Kind((0.0, 0.75, 0.02, -0.1, 0.5, 0.15), (0.0, 0.75, 0.02, 0.1, 0.6, 0.3), 0.15),
    "pick-place": Kind((-0.1, 0.6, 0.02, -0.1, 0.8, 0.05), (0.1, 0.7, 0.02, 0.1, 0.9, 0.3), 0.15),
    "plate-slide": Kind((0.0, 0.6, 0.0, -0.1, 0.85, 0.0), (0.0, 0.6, 0.0, 0.1, 0.9, 0.0)),
    "plate-slide-side": Kind((0.0, 0.6, 0.0, -0.3, 0.54, 0.0), (0.0, 0.6, 0.0, -0.25, 0.66, 0.0)),
    "plate-slide-back": Kind((0.0, 0.85, 0.0, -0.1, 0.6, 0.015), (0.0, 0.85, 0.0, 0.1, 0.6, 0.015)),
    "plate-slide-back-side": Kind((-0.25, 0.6, 0.0, -0.05, 0.6, 0.015), (-0.25, 0.6, 0.0, 0.15, 0.6, 0.015)),
    "peg-insert-side": Kind((0.0, 0.5, 0.02, -0.35, 0.4, -0.001), (0.2, 0.7, 0.02, -0.25, 0.7, 0.001), 0.1),
    "peg-unplug-side": Kind((-0.25, 0.6, -0.001), (-0.15, 0.8, 0.001)),
    "soccer": Kind((-0.1, 0.6, 0.03, -0.1, 0.8, 0.0), (0.1, 0.7, 0.03, 0.1, 0.9, 0.0), 0.15),
    "stick-push": Kind((-0.08, 0.58, 0.0, 0.399, 0.55, 0.1319), (-0.03, 0.62, 0.001, 0.401, 0.6, 0.1321), 0.1),
    "stick-pull": Kind((-0.1, 0.55, 0.0, 0.35, 0.45, 0.0199), (0.0, 0.65, 0.001, 0.45, 0.55, 0.0201), 0.1),
    "push": Kind((-0.1, 0.6, 0.02, -0.1, 0.8, 0.01), (0.1, 0.7, 0.02, 0.1, 0.9, 0.02), 0.15),
    "push-wall": Kind((-0.05, 0.6, 0.015, -0.05, 0.85, 0.01), (0.05, 0.65, 0.015, 0.05, 0.9, 0.02), 0.15),
    "push-back": Kind((-0.1, 0.8, 0.02, -0.1, 0.6, 0.0199), (0.1, 0.85, 0.02, 0.1, 0.7, 0.0201), 0.15),
    "reach": Kind((-0.1, 0.6, 0.02, -0.1, 0.8, 0.05), (0.1, 0.7, 0.02, 0.1, 0.9, 0.3), 0.15),
    "reach-wall": Kind((-0.05, 0.6, 0.015, -0.05, 0.85, 0.05), (0.05, 0.65, 0.015, 0.05, 0.9, 0.3), 0.15),
    "shelf-place": Kind((-0.1, 0.5, 0.019, -0.1, 0.8, 0.299), (0.1, 0.6, 0.021, 0.1, 0.9, 0.301), 0.1),
    "sweep-into": Kind((-0.1, 0.6, 0.02, -0.001, 0.8399, 0.0199), (0.1, 0.7, 0.02, 0.001, 0.8401, 0.0201), 0.15),
    "sweep": Kind((-0.1, 0.6, 0.02), (0.1, 0.7, 0.02)),
    "window-open": Kind((-0.1, 0.7, 0.16), (0.1, 0.9, 0.16)),
    "window-close": Kind((0.0, 0.75, 0.2), (0.0, 0.9, 0.2)),
}
# fmt: on


# Elements of a frame of the observation that are zeros: where Meta-World has the second object, and what it leaves out
# of the quaternions of those that have one.
ZEROS: dict[str, tuple[int, ...]] = {
    **dict.fromkeys(KINDS, tuple(range(11, 18))),
    "hammer": (15, 16, 17),
    **dict.fromkeys(("stick-push", "stick-pull"), (14, 15, 16, 17)),
}
# Other elements of a frame that never change, neither at random nor when the expert handles the objects.
_HEIGHT, _TURN = (6,), (7, 8, 9, 10)
FIXED: dict[str, tuple[int, ...]] = {
    # What neither rises nor turns, or does not show it: knobs, drawers, windows, plates.
    **dict.fromkeys(
        (
            "button-press", "dial-turn", "drawer-close", "drawer-open", "faucet-open", "faucet-close", "plate-slide",
            "plate-slide-side", "plate-slide-back", "plate-slide-back-side", "window-open", "window-close",
        ),
        _HEIGHT + _TURN,
    ),
    # What does not turn, or is shown without its turn: buttons, locks, handles.
    **dict.fromkeys(
        (
            "button-press-topdown", "button-press-topdown-wall", "button-press-wall", "coffee-button", "door-lock",
            "door-unlock", "handle-press-side", "handle-press", "handle-pull-side", "handle-pull",
        ),
        _TURN,
    ),
    # Doors turn about the vertical.
    **dict.fromkeys(("door-close", "door-open"), _HEIGHT),
    # Of the second object: all but how deep the nail is; the height of what the stick moves.
    "hammer": (11, 13, 14),
    **dict.fromkeys(("stick-push", "stick-pull"), (13,)),
    # What only slides: it tilts so little that one number of its quaternion is 1 in float32.
    **dict.fromkeys(("hand-insert", "pick-out-of-hole"), _TURN[:1]),
    **dict.fromkeys(("peg-insert-side", "push-back", "shelf-place", "sweep-into"), _TURN[-1:]),
}  # fmt: skip


class Split(NamedTuple):
    """The kinds that a suite trains on and those that it tests on."""

    train: tuple[str, ...]
    test: tuple[str, ...]


# Meta-World's benchmarks of several kinds, in its order, on which the goals drawn depend.
SPLITS: dict[str, Split] = {
    "ml10": Split(
        train=(
            "reach", "push", "pick-place", "door-open", "drawer-close",
            "button-press-topdown", "peg-insert-side", "window-open", "sweep", "basketball",
        ),
        test=("drawer-open", "door-close", "shelf-place", "sweep-into", "lever-pull"),
    ),
    # The shipped list has basketball in both halves; here it is a test kind only.
    "ml25": Split(
        train=(
            "reach", "push", "pick-place", "door-open", "drawer-open", "drawer-close",
            "button-press-topdown", "peg-insert-side", "window-open", "window-close", "coffee-pull",
            "pick-out-of-hole", "disassemble", "pick-place-wall", "stick-pull", "button-press-wall",
            "faucet-open", "door-lock", "lever-pull", "sweep-into", "faucet-close", "coffee-button",
            "button-press-topdown-wall", "dial-turn",
        ),
        test=("basketball", "door-close", "shelf-place", "sweep", "button-press"),
    ),
    "ml45": Split(
        train=(
            "assembly", "basketball", "button-press-topdown", "button-press-topdown-wall", "button-press",
            "button-press-wall", "coffee-button", "coffee-pull", "coffee-push", "dial-turn", "disassemble",
            "door-close", "door-open", "drawer-close", "drawer-open", "faucet-open", "faucet-close", "hammer",
            "handle-press-side", "handle-press", "handle-pull-side", "handle-pull", "lever-pull",
            "pick-place-wall", "pick-out-of-hole", "push-back", "pick-place", "plate-slide",
            "plate-slide-side", "plate-slide-back", "plate-slide-back-side", "peg-insert-side",
            "peg-unplug-side", "soccer", "stick-push", "stick-pull", "push-wall", "push", "reach-wall",
            "reach", "shelf-place", "sweep-into", "sweep", "window-open", "window-close",
        ),
        test=("bin-picking", "box-close", "hand-insert", "door-lock", "door-unlock"),
    ),
}  # fmt: skip


def split_of(name: str) -> Split:
    """Returns the kinds of a suite's version-free name: ``ml10``, ``ml25``, ``ml45`` or ``ml1-<kind>``."""
    if name in SPLITS:
        return SPLITS[name]
    kind = name.removeprefix("ml1-")
    return Split(train=(kind,), test=(kind,))
