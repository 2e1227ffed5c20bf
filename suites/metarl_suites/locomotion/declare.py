"""What the declarations of the locomotion suites share; loads without MuJoCo."""

from __future__ import annotations

import numpy as np
from gymnasium.spaces import Box

from metarl_bench.tasks import Parameter, References, SuiteSpec
from metarl_suites.locomotion.robots import Robot

BUDGET = 4_000_000
HORIZON = 200
ORACLES = "the best of the oracle's seeds 0, 1 and 2"
ORACLE = "the oracle's seed 0"


def best_run(
    suite: str,
    *,
    random: float,
    expert: float,
    runs: str,
    rules: str = "lite-v1, 4M steps, shot 2",
) -> References:
    """Returns references whose expert is the best of some runs on the test tasks, where nobody has a bound.

    Args:
        suite: Its id.
        random: Mean return of random play.
        expert: Mean return of the best run.
        runs: Which run that is.
        rules: By which it was trained and tested.
    """
    return References(
        random=random,
        expert=expert,
        random_source=f"metarl_bench.testing.random_return('{suite}', episodes=20)",
        expert_source=f"{rules}, test tasks: {runs}",
    )


def declare(
    name: str,
    robot: Robot,
    *,
    summary: str,
    factory: str,
    observation_size: int,
    parameters: tuple[Parameter, ...],
    step_rewards: tuple[float, float],
    reachable_reward: float | None = None,
    published: str,
    bibtex: str,
    horizon: int = HORIZON,
    references: References | None = None,
    finite_tasks: int | None = None,
    constant_observations: tuple[int, ...] = (),
    superseded_by: str | None = None,
) -> SuiteSpec:
    """Returns a spec.

    ``step_rewards`` are bounds of the reward of a step, ``reachable_reward`` is what the fastest policies known earn in
    one, where that is not the upper bound.
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
        reachable_return=None if reachable_reward is None else horizon * reachable_reward,
        parameters=parameters,
        references=references,
        finite_tasks=finite_tasks,
        new_test_tasks=finite_tasks is None,
        constant_observations=constant_observations,
        superseded_by=superseded_by,
        published=published,
        bibtex=bibtex,
    )
