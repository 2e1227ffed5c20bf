"""The suites of the ant, and the humanoid's."""

from __future__ import annotations

import math

from metarl_bench.tasks import Parameter, References, SuiteSpec
from metarl_suites.locomotion.declare import HORIZON, ORACLE, ORACLES, best_run, declare
from metarl_suites.locomotion.rewards import (
    ANT_ALIVE,
    ANT_CONTROL_COST,
    ANT_CRIPPLE_ALIVE,
    ANT_GOAL_CONTROL_COST,
    HUMANOID_ALIVE,
    HUMANOID_CONTROL_COST,
    HUMANOID_SPEED,
)
from metarl_suites.locomotion.robots import ANT, HUMANOID

# m; |x| + |y| from a held-out goal (at most 4 m away) of an ant that flees at the greatest speed along both axes, in
# steps of 0.05 s, mean over the horizon.
_ANT_FLIGHT = math.sqrt(2.0) * 4.0 + 2.0 * (ANT.noise + 0.05 * ANT.max_speed * (HORIZON + 1) / 2.0)
# In the order of the ant's bodies; the last one is held out.
ANT_LEGS = ("front_left", "back_left", "back_right", "front_right")


def _angle() -> tuple[Parameter, ...]:
    return (Parameter(name="angle", unit="rad", low=0.0, high=2.0 * math.pi, meaning="direction to run in, 0 along x"),)


def _bounds(low: float, high: float) -> tuple[float, float]:
    """Returns whole numbers around a range."""
    return float(math.floor(low)), float(math.ceil(high))


ANT_SPECS: tuple[SuiteSpec, ...] = (
    declare(
        "ant-direction-v1",
        ANT,
        summary="ant, run in any hidden direction",
        factory="AntDirection",
        observation_size=27,
        parameters=_angle(),
        step_rewards=_bounds(
            -math.sqrt(2.0) * ANT.max_speed - ANT_CONTROL_COST * 8, math.sqrt(2.0) * ANT.max_speed + ANT_ALIVE
        ),
        reachable_reward=ANT.known_speed + ANT_ALIVE,
        references=best_run("locomotion/ant-direction-v1", random=-465.2, expert=812.7, runs=ORACLES),
        published="ProMP's AntRandDirec2D with PEARL's 27 observations and a charge for falls; not VariBAD's ant-dir, "
        "whose two directions are 57 degrees left and right of x",
        bibtex="rothfuss2019promp",
    ),
    declare(
        "ant-goal-v1",
        ANT,
        summary="ant, go to a hidden place at most 3 m away",
        factory="AntGoal",
        observation_size=29,
        parameters=tuple(
            Parameter(name=f"goal_{axis}", unit="m", low=-3.0, high=3.0, meaning="where the goal is, in a disc")
            for axis in "xy"
        ),
        step_rewards=_bounds(-_ANT_FLIGHT - ANT_GOAL_CONTROL_COST * 8, 0.0),
        references=best_run("locomotion/ant-goal-v1", random=-742.4, expert=-233.3, runs=ORACLE),
        published="AntGoal of ProMP, PEARL and VariBAD without the 84 contact forces in the observation",
        bibtex="rothfuss2019promp",
    ),
    declare(
        "ant-cripple-v1",
        ANT,
        summary="ant, run with a lame leg; the fourth leg is held out",
        factory="AntCripple",
        observation_size=27,
        parameters=(Parameter(name="leg", unit="1", low=0.0, high=1.0, meaning="the lame leg", choices=ANT_LEGS),),
        step_rewards=_bounds(-ANT.max_speed, ANT.max_speed + ANT_CRIPPLE_ALIVE),
        reachable_reward=ANT.known_speed + ANT_CRIPPLE_ALIVE,
        finite_tasks=len(ANT_LEGS) - 1,
        references=best_run("locomotion/ant-cripple-v1", random=4.5, expert=796.7, runs=ORACLE),
        published="GrBAL's crippled ant with 27 observations, steps of 0.05 s instead of 0.02 s, and a horizon of 200",
        bibtex="nagabandi2019learning",
    ),
    declare(
        "humanoid-direction-v1",
        HUMANOID,
        summary="humanoid, run in any hidden direction",
        factory="HumanoidDirection",
        observation_size=45,
        parameters=_angle(),
        step_rewards=_bounds(
            -HUMANOID_SPEED * math.sqrt(2.0) * HUMANOID.max_speed - HUMANOID_CONTROL_COST * 17,
            HUMANOID_SPEED * math.sqrt(2.0) * HUMANOID.max_speed + HUMANOID_ALIVE,
        ),
        reachable_reward=HUMANOID_SPEED * HUMANOID.known_speed + HUMANOID_ALIVE,
        references=References(
            random=118.6,
            expert=997.6,
            random_source="metarl_bench.testing.random_return('locomotion/humanoid-direction-v1', episodes=20)",
            expert_source="python -m metarl_suites.locomotion.balance: a regulator that stands still whatever the "
            "direction, 10 episodes of each test task",
        ),
        published="PEARL's HumanoidDir with 45 observations (joint positions and velocities) instead of 376, and the "
        "velocity of the torso instead of the centre of mass",
        bibtex="rakelly2019efficient",
    ),
)
