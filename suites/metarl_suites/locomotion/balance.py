"""A humanoid that stands still: linear feedback on what it senses; the expert of humanoid-direction.

Its gains are those of a linear-quadratic regulator (Kalman 1960, "Contributions to the theory of optimal control") for
the robot on its feet. ``python -m metarl_suites.locomotion.balance`` measures it.
"""

from __future__ import annotations

import sys

import mujoco
import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_discrete_are
from scipy.optimize import brentq
from scipy.spatial.transform import Rotation

from metarl_bench import seeding
from metarl_bench.commands import run_command
from metarl_bench.opening import open_worlds
from metarl_bench.registry import make_suite
from metarl_bench.tasks import Split
from metarl_suites.locomotion.models import load
from metarl_suites.locomotion.robots import HUMANOID, Array

SUITE = "locomotion/humanoid-direction-v1"
EPISODES = 10  # of each task, behind the reference
_KNEE = np.deg2rad(-5.0)  # rad; the knees must bend by 2 degrees at least
# Costs of a step: of the torso's height and tilt and the joint angles (1/m^2, 1/rad^2), of all velocities, of the
# distance between the centre of mass and the middle of the feet (1/m^2), and of squared controls.
_POSTURE, _VELOCITY, _BALANCE, _EFFORT = 10.0, 0.1, 1000.0, 10.0
_PLACE = 2  # coordinates that nothing depends on and that are not observed: the torso's x and y


class Balance:
    """Holds humanoids upright, whatever the task.

    Attributes:
        posture: Joint positions that are held [24]: knees and hips a little bent, the centre of mass over the feet.
        controls: Of the motors, which hold them [17].
        gains: Of the feedback [17, 44]: on height, rotation vector, joint angles and velocities, against the posture.
    """

    def __init__(self) -> None:
        """Finds posture and gains; takes a fraction of a second."""
        model = load(HUMANOID.asset).__copy__()
        model.opt.integrator = mujoco.mjtIntegrator.mjINT_EULER  # mjd_transitionFD has no Runge-Kutta
        model.opt.solver = mujoco.mjtSolver.mjSOL_NEWTON  # whose derivatives are exact
        data = mujoco.MjData(model)
        self.posture, self.controls = _stance(model, data)
        self.gains = _gains(model, data)

    def act(self, observations: NDArray[np.float32]) -> Array:
        """Returns actions [worlds, 17] in [-1, 1] for observations [worlds, 45]."""
        positions, velocities = np.split(observations.astype(np.float64), [22], axis=1)
        tilt = Rotation.from_quat(positions[:, 1:5], scalar_first=True).as_rotvec()
        height, joints = positions[:, :1] - self.posture[2], positions[:, 5:] - self.posture[7:]
        state = np.concatenate([height, tilt, joints, velocities], axis=1)
        controls = self.controls - state @ self.gains.T
        return np.clip(controls / HUMANOID.control_scale, -1.0, 1.0)


def _stance(model: mujoco.MjModel, data: mujoco.MjData) -> tuple[Array, Array]:
    """Returns the posture and the controls that hold it, and leaves both in the data."""
    knees, hips = (
        [model.joint(f"{side}_{name}").qposadr[0] for side in ("left", "right")] for name in ("knee", "hip_y")
    )
    data.qpos[knees] = _KNEE

    def ahead(hip: float) -> float:
        """Returns how far the centre of mass is in front of the feet, m."""
        data.qpos[hips] = hip
        mujoco.mj_forward(model, data)
        return float(data.subtree_com[1, 0] - data.geom("left_foot").xpos[0])

    ahead(brentq(ahead, -1.0, 0.0))
    sole = data.geom("left_foot").xpos[2] - model.geom("left_foot").size[0]
    start = data.qpos[2] - sole

    def weight(height: float) -> float:
        """Returns the force, besides the floor's, that keeps the robot at a height, N."""
        data.qpos[2] = height
        mujoco.mj_forward(model, data)
        data.qacc[:] = 0.0
        mujoco.mj_inverse(model, data)
        return float(data.qfrc_inverse[2])

    weight(brentq(weight, start - 0.05, start + 0.01))
    joints = model.jnt_dofadr[model.actuator_trnid[:, 0]]
    data.ctrl[:] = data.qfrc_inverse[joints] / model.actuator_gear[:, 0]
    return data.qpos.copy(), data.ctrl.copy()


def _gains(model: mujoco.MjModel, data: mujoco.MjData) -> Array:
    """Returns the regulator's gains [17, 44] around the state and the controls in the data."""
    size = 2 * model.nv
    substep, response = np.zeros((size, size)), np.zeros((size, model.nu))
    mujoco.mjd_transitionFD(model, data, 1e-6, True, substep, response, None, None)
    # An environment step is several substeps under the same controls.
    step, effect = np.eye(size), np.zeros_like(response)
    for _ in range(HUMANOID.frame_skip):
        step, effect = substep @ step, substep @ effect + response
    cost = np.diag(np.repeat([_POSTURE, _VELOCITY], model.nv))
    offset = _balance(model, data)
    cost[: model.nv, : model.nv] += _BALANCE * offset.T @ offset
    step, effect, cost = step[_PLACE:, _PLACE:], effect[_PLACE:], cost[_PLACE:, _PLACE:]
    effort = _EFFORT * np.eye(model.nu)
    value = solve_discrete_are(step, effect, cost, effort)
    return np.linalg.solve(effort + effect.T @ value @ effect, effect.T @ value @ step).astype(np.float64)


def _balance(model: mujoco.MjModel, data: mujoco.MjData) -> Array:
    """Returns the Jacobian [2, 23] of the centre of mass against the middle of the feet, on the floor."""
    mass, *feet = (np.zeros((3, model.nv)) for _ in range(3))
    mujoco.mj_jacSubtreeCom(model, data, mass, 1)
    for foot, name in zip(feet, ("left_foot", "right_foot"), strict=True):
        mujoco.mj_jacGeom(model, data, foot, None, model.geom(name).id)
    return (mass - 0.5 * (feet[0] + feet[1]))[:2]


def measure(split: Split = "test", *, episodes: int = EPISODES) -> Array:
    """Returns what standing is paid [episodes, tasks] on a frozen list of humanoid-direction."""
    suite, balance = make_suite(SUITE), Balance()
    tasks = suite.tasks(split)
    returns = np.zeros((episodes, len(tasks)))
    with open_worlds(suite, tasks, num_threads=0) as worlds:
        for episode in range(episodes):
            seeds = [seeding.world_seed("balance", SUITE, episode, i) for i in range(len(tasks))]
            observations, _ = worlds.reset(seed=seeds)
            for _ in range(suite.spec.horizon):
                observations, rewards, *_ = worlds.step(balance.act(observations))
                returns[episode] += rewards
    return returns


def main() -> int:
    """Writes what standing is paid on the test tasks to standard output."""
    returns = measure()
    sys.stdout.write(f"{SUITE} test: return {returns.mean():.1f}, from {returns.min():.1f} to {returns.max():.1f}\n")
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
