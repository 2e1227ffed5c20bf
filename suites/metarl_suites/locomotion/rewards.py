"""The rewards of the locomotion suites, and every number in them; loads without MuJoCo.

A reward is a function of what a step did and of the worlds' goals. Contact costs are left out everywhere: they need
contact forces, which most simulators of the published definitions reported as zero, and are at most 0.042 a step (ant).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# 1; weight of the squared action of the cheetah, from the first HalfCheetah task families (Finn et al. 2017).
CHEETAH_CONTROL_COST = 0.05


class Motion(NamedTuple):
    """What one environment step did; the first axis of every array is the stepped worlds.

    Attributes:
        velocity: Mean velocity of the torso over the step, m/s: x and z of planar robots, else x, y and z.
        position: Of the torso after the step, m, with the same axes.
        actions: As executed, 1.
    """

    velocity: Array
    position: Array
    actions: Array

    @property
    def effort(self) -> Array:
        """Sum of the squared actions [worlds]."""
        effort: Array = np.square(self.actions).sum(axis=1)
        return effort


def cheetah_velocity(motion: Motion, goals: Array) -> Array:
    """Returns minus the distance to the speed asked for, in m/s, less the control cost."""
    return -np.abs(motion.velocity[:, 0] - goals) - CHEETAH_CONTROL_COST * motion.effort


def cheetah_direction(motion: Motion, goals: Array) -> Array:
    """Returns the speed in the direction asked for, in m/s, less the control cost."""
    return motion.velocity[:, 0] * goals - CHEETAH_CONTROL_COST * motion.effort


def cheetah_upright(motion: Motion, goals: Array) -> Array:
    """Returns forward speed in m/s plus the torso's height over its start in m, less the control cost (RoML).

    The height is about 0 for a cheetah on its feet and -0.5 on its back.
    """
    return motion.velocity[:, 0] - CHEETAH_CONTROL_COST * motion.effort + motion.position[:, 1]
