"""What the toy suites declare about themselves; light data, no simulation."""

from __future__ import annotations

import math

import numpy as np
from gymnasium.spaces import Box

from metarl_bench.tasks import Parameter, References, SuiteSpec

# The position is unbounded: nothing stops the point, and no sensible return comes from far away.
POSITION = Box(-np.inf, np.inf, (2,), np.float32)
PUSH = Box(-1.0, 1.0, (2,), np.float32)

POINT_ROBOT = SuiteSpec(
    id="toy/point-robot-v1",
    summary="A point finds a hidden goal in a square from its distance to it; for tests",
    factory="metarl_suites.toy.suite:PointRobotSuite",
    horizon=20,
    observation_space=POSITION,
    action_space=PUSH,
    score="return",
    budget=4_000_000,
    # Farthest start from the farthest held-out goal (2.5 m an axis), fleeing at 0.1 m an axis and step: -100.4.
    failure_return=-101.0,
    best_return=0.0,
    parameters=(
        Parameter(name="goal_x", unit="m", low=-1.0, high=1.0, meaning="where the goal is"),
        Parameter(name="goal_y", unit="m", low=-1.0, high=1.0, meaning="where the goal is"),
    ),
    references=References(
        random=-21.09,
        expert=-5.104,
        random_source="metarl_bench.testing.random_return('toy/point-robot-v1', episodes=1000)",
        expert_source="analytic: metarl_suites.toy.optimum.expert_return(suite, episodes=1000)",
    ),
    ranked=False,
    published="PointEnv of oyster (PEARL), with goals drawn without end instead of 80 and 20",
    bibtex="rakelly2019efficient",
)

SPARSE_POINT_ROBOT = SuiteSpec(
    id="toy/sparse-point-robot-v1",
    summary="A point searches a half circle for a goal that it only notices nearby; for tests",
    factory="metarl_suites.toy.suite:SparsePointRobotSuite",
    horizon=60,
    observation_space=POSITION,
    action_space=PUSH,
    score="return",
    budget=2_000_000,
    # No step pays less than 0, so any negative number is a bound; this one also puts failing below doing nothing.
    failure_return=-1.0,
    best_return=60.0,
    parameters=(Parameter(name="angle", unit="rad", low=0.0, high=math.pi, meaning="where on the unit circle it is"),),
    references=References(
        random=0.155,
        expert=53.43,
        random_source="metarl_bench.testing.random_return('toy/sparse-point-robot-v1', episodes=1000)",
        expert_source="analytic: metarl_suites.toy.optimum.expert_return(suite, episodes=1)",
    ),
    ranked=False,
    published="SparsePointEnv of oyster and VariBAD, with a horizon of 60 instead of 20 and 100",
    bibtex="rakelly2019efficient",
)
