"""The robots that meet terrains: the classic bodies, which fall relative to the ground; loads without MuJoCo."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from metarl_suites.locomotion.robots import ANT as CLASSIC_ANT
from metarl_suites.locomotion.robots import CHEETAH as CLASSIC_CHEETAH
from metarl_suites.locomotion.robots import WALKER as CLASSIC_WALKER
from metarl_suites.locomotion.robots import Robot


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """A robot on a track.

    Attributes:
        body: Its ``heights`` are over the ground. What it senses leaves out where it is, its height included.
        proprioception: Numbers that it senses of itself.
        half_width: m; of the track.
        horizon: Environment steps of an episode.
        distance: m along the track; success.
        level: m behind and ahead of the start without any shape: beyond what the robot touches or scans there, so that
            no start tells the task.
        substep_s: s; of a physics step, integrated implicitly; None keeps step and integrator of the body's model.
    """

    body: Robot
    proprioception: int
    half_width: float
    horizon: int
    distance: float
    level: tuple[float, float] = (1.0, 1.75)
    substep_s: float | None = None


# Falls where it rolls over: at a pitch of 1.2 rad, when the ground slopes 0.34 rad at most, or on its belly.
CHEETAH = Runner(
    body=replace(CLASSIC_CHEETAH, hidden=2, heights=(-0.6, np.inf), pitches=(-1.2, 1.2)),
    proprioception=16,
    half_width=1.0,
    horizon=200,
    distance=15.0,
)
# May be higher than the classic ant, since it also stands beside gaps. On its back, its legs reach no ground.
ANT = Runner(
    body=replace(CLASSIC_ANT, hidden=3, heights=(0.2, 1.5)),
    proprioception=26,
    half_width=20.0,
    horizon=200,
    distance=5.0,
)
# Steps of 0.02 s, in which it comes farther than in the classic 0.008 s. The ground begins at its heels and toes: it
# topples where it stands if nothing keeps it up.
WALKER = Runner(
    body=replace(CLASSIC_WALKER, hidden=2, heights=(0.7, 2.0), frame_skip=8),
    proprioception=16,
    half_width=1.0,
    horizon=200,
    distance=5.0,
    level=(0.08, 0.27),
    substep_s=0.0025,
)
# It sees, and the ground begins beyond its scan: whoever topples at once has still seen something of it.
SIGHTED_WALKER = replace(WALKER, level=(0.55, 1.55))
