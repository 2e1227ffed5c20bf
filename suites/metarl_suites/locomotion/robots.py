"""The robots: what they sense, how they start, when they have fallen and how fast they can be; loads without MuJoCo.

Their models stand in ``assets/``, with the numbers of Gymnasium's v5 robots.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
NOWHERE = (-np.inf, np.inf)  # a range that nothing leaves


@dataclass(frozen=True, slots=True, kw_only=True)
class Robot:
    """One body.

    Attributes:
        asset: Name of its model under ``assets/``.
        num_actions: Number of its motors.
        frame_skip: Physics steps of one environment step.
        axes: How many of the first joint positions are the torso's: 2 (x, z; planar) or 3 (x, y, z).
        noise: Of the start: half width of the uniform noise on joint positions, scale of that on velocities.
        normal_velocities: Whether velocities start normal (with ``noise`` as standard deviation) instead of uniform.
        control_scale: What an action of 1 is to the motors, whose range is -control_scale to control_scale.
        known_speed: m/s; about what the fastest policies known reach.
        max_speed: m/s a torso axis; faster than any policy known. A world beyond it has broken the simulator.
        heights: Of the torso, m; outside it the robot has fallen.
        pitches: Of the torso, rad (planar robots); outside it the robot has fallen.
        state_limit: The robot has fallen where a joint position after the torso's, or a velocity, reaches it.
        hidden: How many of the first joint positions the observation leaves out.
        observed_speed: m/s and rad/s; observed velocities are clipped to it.
        torso_height: m; where not None, the observation ends with the torso's position, this above its joint's zero.
    """

    asset: str
    num_actions: int
    frame_skip: int
    axes: int
    noise: float
    normal_velocities: bool
    known_speed: float
    max_speed: float
    hidden: int
    control_scale: float = 1.0
    heights: tuple[float, float] = NOWHERE
    pitches: tuple[float, float] = NOWHERE
    state_limit: float = np.inf
    observed_speed: float = np.inf
    torso_height: float | None = None

    def start(self, qpos: Array, qvel: Array, rng: np.random.Generator) -> None:
        """Adds the noise of the start to one world's positions and velocities, in place."""
        qpos += rng.uniform(-self.noise, self.noise, len(qpos))
        if self.normal_velocities:
            qvel += self.noise * rng.standard_normal(len(qvel))
        else:
            qvel += rng.uniform(-self.noise, self.noise, len(qvel))

    def observe(self, qpos: Array, qvel: Array) -> NDArray[np.float32]:
        """Returns the observations [worlds, observation] of all worlds."""
        if self.observed_speed < np.inf:
            qvel = np.clip(qvel, -self.observed_speed, self.observed_speed)
        parts = [qpos[:, self.hidden :], qvel]
        if self.torso_height is not None:
            parts.append(np.stack([qpos[:, 0], np.zeros(len(qpos)), qpos[:, 1] + self.torso_height], axis=1))
        return np.concatenate(parts, axis=1, dtype=np.float32, casting="same_kind")

    def fallen(self, height: Array, qpos: Array, qvel: Array) -> NDArray[np.bool_]:
        """Returns which worlds' robots have fallen.

        Args:
            height: Of the torso, m [worlds].
            qpos: Joint positions [worlds, nq].
            qvel: Joint velocities [worlds, nv].
        """
        fallen = np.zeros(len(qpos), np.bool_)
        if self.heights != NOWHERE:
            fallen |= _outside(height, self.heights)
        if self.pitches != NOWHERE:
            fallen |= _outside(qpos[:, self.axes], self.pitches)
        if self.state_limit < np.inf:
            rest = np.concatenate([qpos[:, self.axes :], qvel], axis=1)
            fallen |= (np.abs(rest) >= self.state_limit).any(axis=1)
        return fallen


def _outside(values: Array, bounds: tuple[float, float]) -> NDArray[np.bool_]:
    low, high = bounds
    return (values <= low) | (values >= high)


# Gymnasium's HalfCheetah-v5: steps of 0.05 s, no fall.
CHEETAH = Robot(
    asset="half_cheetah",
    num_actions=6,
    frame_skip=5,
    axes=2,
    noise=0.1,
    normal_velocities=True,
    known_speed=15.0,
    max_speed=20.0,
    hidden=1,
)
# The 20 observations of PEARL, VariBAD and RoML.
CHEETAH_WITH_POSITION = replace(CHEETAH, torso_height=0.7)
# Gymnasium's Ant-v5: steps of 0.05 s.
ANT = Robot(
    asset="ant",
    num_actions=8,
    frame_skip=5,
    axes=3,
    noise=0.1,
    normal_velocities=True,
    known_speed=8.0,
    max_speed=15.0,
    hidden=2,
    heights=(0.2, 1.0),
)
# For tasks whose definition has no fall.
ANT_THAT_MAY_FALL = replace(ANT, heights=NOWHERE)
ANT_WITH_POSITION = replace(ANT_THAT_MAY_FALL, hidden=0)
# Gymnasium's Walker2d-v5 and Hopper-v5: steps of 0.008 s.
WALKER = Robot(
    asset="walker",
    num_actions=6,
    frame_skip=4,
    axes=2,
    noise=5e-3,
    normal_velocities=False,
    known_speed=7.0,
    max_speed=15.0,
    hidden=1,
    heights=(0.8, 2.0),
    pitches=(-1.0, 1.0),
    observed_speed=10.0,
)
HOPPER = replace(
    WALKER,
    asset="hopper",
    num_actions=3,
    known_speed=4.0,
    heights=(0.7, np.inf),
    pitches=(-0.2, 0.2),
    state_limit=100.0,
)
# Gymnasium's Humanoid-v5: steps of 0.015 s.
HUMANOID = Robot(
    asset="humanoid",
    num_actions=17,
    frame_skip=5,
    axes=3,
    noise=0.01,
    normal_velocities=False,
    control_scale=0.4,
    known_speed=10.0,
    max_speed=20.0,
    hidden=2,
    heights=(1.0, 2.0),
)
