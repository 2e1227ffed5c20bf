"""One record an episode, against the evaluation that Meta-World ships, which counts quick successes again and again."""

from __future__ import annotations

from functools import partial

import gymnasium
import metaworld
import numpy as np
from metaworld.evaluation import evaluation
from numpy.typing import NDArray

from metarl_bench.registry import make_suite
from metarl_bench.testing.scripted import ScriptedAgent, play_trials
from metarl_suites.manipulation.suite import SEED, goal_of

SUITE = "manipulation/ml1-reach-v1"
# Places in the test list that a meta-test of four tasks takes, and the goal that the policy knows.
PLACES = (6, 18, 31, 43)
KNOWN = 3


class OneGoal:
    """Always moves the hand to the same place, which is the goal of one task of four."""

    def __init__(self, goal: NDArray[np.float64]) -> None:
        self._goal = goal

    def eval_action(self, observations: NDArray[np.floating]) -> NDArray[np.float32]:
        return np.pad(np.clip(10 * (self._goal - observations[:, :3]), -1, 1), ((0, 0), (0, 1))).astype(np.float32)

    def reset(self, env_mask: NDArray[np.bool_]) -> None:
        pass


def test_a_policy_that_solves_one_goal_of_four_scores_a_quarter() -> None:
    suite = make_suite(SUITE)
    policy = OneGoal(goal_of(suite.spec, suite.tasks("test")[PLACES[KNOWN]])[1][3:])

    agent = ScriptedAgent(lambda observations, episode, step: policy.eval_action(observations))
    found = play_trials(agent, suite, adaptation_episodes=0, num_tasks=4, num_trials=4)
    library_score, *_ = evaluation(policy, library_envs(), num_episodes=3)

    assert [row["task"] for row in found.rows] == list(PLACES)
    assert [row["success"] for row in found.rows] == [place == PLACES[KNOWN] for place in PLACES]
    assert {row["length"] for row in found.rows} == {500}  # success ends no episode
    assert library_score == 1.0


def library_envs() -> gymnasium.vector.SyncVectorEnv:
    """Returns Meta-World's own test environments for the same four goals."""
    benchmark = metaworld.ML1("reach-v3", seed=SEED)
    options = {"terminate_on_success": True, "task_select": "pseudorandom"}
    make = partial(metaworld._init_each_env, env_cls=benchmark.test_classes["reach-v3"], **options)
    envs = gymnasium.vector.SyncVectorEnv(
        [partial(make, tasks=[benchmark.test_tasks[place]]) for place in PLACES],
        autoreset_mode=gymnasium.vector.AutoresetMode.SAME_STEP,
    )
    envs.call("sample_tasks")
    return envs
