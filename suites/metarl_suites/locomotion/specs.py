"""What the locomotion suites declare about themselves; loads without MuJoCo."""

from __future__ import annotations

import numpy as np
from gymnasium.spaces import Box

from metarl_bench.tasks import Parameter, References, SuiteSpec

# m/s; faster than any policy known for this body (about 15). A world beyond it has broken the simulator.
MAX_SPEED = 20.0
# 1; weight of the squared action in the reward, from the first HalfCheetah task families (Finn et al. 2017).
CONTROL_COST = 0.05


def _observations(size: int) -> Box:
    return Box(-np.inf, np.inf, (size,), np.float32)


def _velocity(
    name: str, *, high: float, observation_size: int, published: str, references: References | None = None
) -> SuiteSpec:
    horizon = 200
    return SuiteSpec(
        id=f"locomotion/{name}",
        summary=f"half cheetah, run at a hidden speed of 0-{high:g} m/s",
        factory="metarl_suites.locomotion.suite:CheetahVelocity",
        horizon=horizon,
        observation_space=_observations(observation_size),
        action_space=Box(-1.0, 1.0, (6,), np.float32),
        score="return",
        budget=4_000_000,
        failure_return=-horizon * (MAX_SPEED + high + CONTROL_COST * 6),
        best_return=0.0,
        parameters=(Parameter(name="velocity", unit="m/s", low=0.0, high=high, meaning="speed to run at"),),
        references=references,
        # The torso's y coordinate is always 0: the body is planar.
        constant_observations=(18,) if observation_size == 20 else (),
        published=published,
        bibtex="finn2017maml",
    )


def _direction(name: str, *, horizon: int, observation_size: int, published: str) -> SuiteSpec:
    return SuiteSpec(
        id=f"locomotion/{name}",
        summary="half cheetah, run forward or backward",
        factory="metarl_suites.locomotion.suite:CheetahDirection",
        horizon=horizon,
        observation_space=_observations(observation_size),
        action_space=Box(-1.0, 1.0, (6,), np.float32),
        score="return",
        budget=4_000_000,
        failure_return=-horizon * (MAX_SPEED + CONTROL_COST * 6),
        best_return=horizon * MAX_SPEED,
        parameters=(Parameter(name="direction", unit="1", low=-1.0, high=1.0, meaning="+1 forward, -1 backward"),),
        finite_tasks=2,
        constant_observations=(18,) if observation_size == 20 else (),
        published=published,
        bibtex="finn2017maml",
    )


SPECS: tuple[SuiteSpec, ...] = (
    _velocity(
        "cheetah-velocity-v1",
        high=3.0,
        observation_size=17,
        published="PEARL's range and horizon, with ProMP's 17 observations (no absolute position)",
        references=References(
            random=-351.4,
            expert=-24.5,
            random_source="metarl_bench.testing.random_return('locomotion/cheetah-velocity-v1', episodes=20)",
            expert_source="lite-v1, 4M steps, shot 2, test tasks: the best of the oracle's seeds 0, 1 and 2",
        ),
    ),
    _velocity(
        "cheetah-velocity-wide-v1",
        high=7.0,
        observation_size=17,
        published="RoML's range, without the absolute position in the observation",
    ),
    _velocity(
        "cheetah-velocity-wide-obs20-v1",
        high=7.0,
        observation_size=20,
        published="RoML's HalfCheetahVel: 0-7 m/s and 20 observations that hold the absolute position",
    ),
    _direction(
        "cheetah-direction-v1",
        horizon=200,
        observation_size=17,
        published="ProMP's HalfCheetahRandDirec with PEARL's horizon of 200",
    ),
    _direction(
        "cheetah-direction-h100-v1",
        horizon=100,
        observation_size=20,
        published="learn2learn's HalfCheetahForwardBackward: horizon 100 and 20 observations",
    ),
)
