"""The robots that meet terrains: the classic bodies, which fall relative to the ground; loads without MuJoCo."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from metarl_suites.locomotion.robots import ANT as CLASSIC_ANT
from metarl_suites.locomotion.robots import CHEETAH as CLASSIC_CHEETAH
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
    """

    body: Robot
    proprioception: int
    half_width: float
    horizon: int
    distance: float


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
