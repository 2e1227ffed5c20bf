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
# 1; of the ant that runs (Gym's Ant, ProMP, PEARL), and what each step pays that it is not done.
ANT_CONTROL_COST = 0.5
ANT_ALIVE = 1.0
# 1; of the ant that looks for a goal (ProMP, PEARL).
ANT_GOAL_CONTROL_COST = 0.1
# 1; what each step pays the ant with a lame leg (GrBAL).
ANT_CRIPPLE_ALIVE = 0.05
# 1; of walker and hopper (Gym, rand_param_envs), and what each step pays that they are not done.
WALKER_CONTROL_COST = 1e-3
WALKER_ALIVE = 1.0
# 1; of the humanoid (PEARL): 0.25 a displacement in m, divided by the 0.003 s of a physics step.
HUMANOID_SPEED = 1.25
HUMANOID_CONTROL_COST = 0.1
HUMANOID_ALIVE = 5.0


class Motion(NamedTuple):
    """What one environment step did; the first axis of every array is the stepped worlds.

    Attributes:
        velocity: Mean velocity of the torso over the step, m/s: x and z of planar robots, else x, y and z.
        position: Of the torso after the step, m, with the same axes.
        controls: Of the motors, 1.
    """

    velocity: Array
    position: Array
    controls: Array

    @property
    def effort(self) -> Array:
        """Sum of the squared controls [worlds]."""
        effort: Array = np.square(self.controls).sum(axis=1)
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


def ant_direction(motion: Motion, goals: Array) -> Array:
    """Returns the speed along the unit vectors asked for [worlds, 2], in m/s, less the control cost, plus the bonus."""
    return _along(motion, goals) - ANT_CONTROL_COST * motion.effort + ANT_ALIVE


def ant_goal(motion: Motion, goals: Array) -> Array:
    """Returns minus the distance |x| + |y| to the goal [worlds, 2], in m, less the control cost."""
    distance: Array = np.abs(motion.position[:, :2] - goals).sum(axis=1)
    return -distance - ANT_GOAL_CONTROL_COST * motion.effort


def ant_cripple(motion: Motion, goals: Array) -> Array:
    """Returns the forward speed in m/s, plus the bonus."""
    return motion.velocity[:, 0] + ANT_CRIPPLE_ALIVE


def walker_forward(motion: Motion, goals: Array) -> Array:
    """Returns the forward speed in m/s, less the control cost, plus the bonus."""
    return motion.velocity[:, 0] - WALKER_CONTROL_COST * motion.effort + WALKER_ALIVE


def humanoid_direction(motion: Motion, goals: Array) -> Array:
    """Returns the speed along the unit vectors asked for [worlds, 2], less the control cost, plus the bonus."""
    return HUMANOID_SPEED * _along(motion, goals) - HUMANOID_CONTROL_COST * motion.effort + HUMANOID_ALIVE


def _along(motion: Motion, directions: Array) -> Array:
    along: Array = (motion.velocity[:, :2] * directions).sum(axis=1)
    return along
