"""What cars do with actions, and where they are and look: plain numbers of all worlds at once."""

from __future__ import annotations

import mujoco
import numpy as np

from metarl_bench.worlds import WorldIndex
from metarl_suites.navigation.plans import SIGHT, Plan
from metarl_suites.navigation.rays import Array

LOCK = 0.6  # rad; the front wheels at full lock, usual car
TORQUE = 1500.0  # N m at the rear axle, usual car: 3.9 m/s2 from standing, and 16 m/s at most
REVERSE = 0.5  # 1; share of the torque backwards: the reverse gear is for backing out, not for driving routes
STANDING = 1.0  # m/s; below it, negative throttle is the reverse gear, not the brakes
# N s2/m2: half the density of air, times the car's side of 6 m2, times 0.9.
WIND_FORCE = 3.2
GUST = 0.5  # 1; wind changes by this share, step by step, so that no constant angle of the wheels holds against it
# How many positions, velocities and controls a car has in the physics; those of other cars follow.
POSITIONS, SPEEDS, CONTROLS = 17, 16, 9
# Where its parts are in them.
PLACE, QUAT, YAW_RATE = slice(0, 2), slice(3, 7), 5


class Cars:
    """What steps read of the plans: one number a world.

    Attributes:
        mass: kg, of the whole car.
        delay: Environment steps until an action reaches the car.
        visibility: m; how far rays reach.
        noise: 1; greatest error of a ray, as a share of what it reads.
    """

    def __init__(self, num_worlds: int) -> None:
        self.mass = np.ones(num_worlds)
        self.delay = np.zeros(num_worlds, np.int64)
        self.visibility = np.full(num_worlds, SIGHT)
        self.noise = np.zeros(num_worlds)
        self._power = np.ones(num_worlds)
        self._steering = np.ones(num_worlds)
        self._trim = np.zeros(num_worlds)
        self._wind = np.zeros((num_worlds, 2))

    def assign(self, world: np.intp, plan: Plan, model: mujoco.MjModel) -> None:
        """Gives a world another car and other weather."""
        vehicle, weather = plan.vehicle, plan.weather
        self.mass[world] = model.body("car").subtreemass[0]
        self._power[world], self._steering[world] = vehicle.power, vehicle.steering
        self._trim[world], self.delay[world] = vehicle.trim, vehicle.delay
        speed = float(np.hypot(*weather.wind))
        self._wind[world] = WIND_FORCE * speed * np.array(weather.wind)
        self.visibility[world], self.noise[world] = weather.visibility, weather.noise

    def controls(self, worlds: WorldIndex, asked: Array, forward: Array, gust: Array) -> Array:
        """Returns what a car's motors get [len(worlds), CONTROLS].

        Args:
            worlds: Which.
            asked: Actions that reach the cars now [len(worlds), 2].
            forward: Speeds [len(worlds)], m/s.
            gust: Of the wind [len(worlds)], from -1 to 1.
        """
        wheels = LOCK * self._steering[worlds] * asked[:, 0] + self._trim[worlds]
        throttle = asked[:, 1]
        braking = (throttle < 0.0) & (forward > STANDING)
        torque = TORQUE * self._power[worlds] * np.where(throttle < 0.0, REVERSE * throttle, throttle)
        controls = np.zeros((len(wheels), CONTROLS))
        controls[:, :2] = wheels[:, np.newaxis]
        controls[:, 2] = np.where(braking, 0.0, torque)
        controls[:, 3:7] = np.where(braking, -throttle, 0.0)[:, np.newaxis]
        controls[:, 7:] = self._wind[worlds] * (1.0 + GUST * gust[:, np.newaxis])
        return controls


def headings(qpos: Array) -> Array:
    """Returns where cars look, rad [worlds]."""
    w, x, y, z = qpos[:, QUAT].T
    heading: Array = np.arctan2(2.0 * (w * z + x * y), 1.0 - 2.0 * (y**2 + z**2))
    return heading


def leans(qpos: Array) -> Array:
    """Returns how far cars lean, rad [worlds]: 0 on their wheels, pi on their roofs."""
    _, x, y, _ = qpos[:, QUAT].T
    lean: Array = np.arccos(np.clip(1.0 - 2.0 * (x**2 + y**2), -1.0, 1.0))
    return lean


def velocities(qpos: Array, qvel: Array) -> Array:
    """Returns forward and leftward speeds, m/s, and yaw rates, rad/s [worlds, 3]."""
    heading = headings(qpos)
    cos, sin = np.cos(heading), np.sin(heading)
    x, y = qvel[:, 0], qvel[:, 1]
    return np.stack([x * cos + y * sin, y * cos - x * sin, qvel[:, YAW_RATE]], axis=1)


def seen_from(places: Array, looking: Array, targets: Array) -> Array:
    """Returns cosine and sine of the bearings of targets, and how far they are, m [worlds, 3]."""
    apart = targets - places
    bearing = np.arctan2(apart[:, 1], apart[:, 0]) - looking
    return np.stack([np.cos(bearing), np.sin(bearing), np.hypot(apart[:, 0], apart[:, 1])], axis=1)
