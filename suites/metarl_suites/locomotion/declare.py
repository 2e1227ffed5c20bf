"""What the declarations of the locomotion suites share; loads without MuJoCo."""

from __future__ import annotations

import numpy as np
from gymnasium.spaces import Box

from metarl_bench.tasks import Parameter, References, SuiteSpec
from metarl_suites.locomotion.robots import Robot

BUDGET = 4_000_000
HORIZON = 200


def declare(
    name: str,
    robot: Robot,
    *,
    summary: str,
    factory: str,
    observation_size: int,
    parameters: tuple[Parameter, ...],
    step_rewards: tuple[float, float],
    published: str,
    bibtex: str,
    horizon: int = HORIZON,
    references: References | None = None,
    finite_tasks: int | None = None,
    constant_observations: tuple[int, ...] = (),
) -> SuiteSpec:
    """Returns a spec; ``step_rewards`` are bounds of the reward of a step.

    Where tasks are finitely many, they are so few that training and test share them.
    """
    low, high = step_rewards
    return SuiteSpec(
        id=f"locomotion/{name}",
        summary=summary,
        factory=f"metarl_suites.locomotion.suite:{factory}",
        horizon=horizon,
        observation_space=Box(-np.inf, np.inf, (observation_size,), np.float32),
        action_space=Box(-1.0, 1.0, (robot.num_actions,), np.float32),
        score="return",
        budget=BUDGET,
        failure_return=horizon * low,
        best_return=horizon * high,
        parameters=parameters,
        references=references,
        finite_tasks=finite_tasks,
        new_test_tasks=finite_tasks is None,
        constant_observations=constant_observations,
        published=published,
        bibtex=bibtex,
    )
