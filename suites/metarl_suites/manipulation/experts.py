"""Meta-World's scripted experts: what is possible on a task for somebody who sees the goal.

``python -m metarl_suites.manipulation.experts manipulation/ml1-push-v1 ...`` measures them, and random play, on the
test tasks, and prints the rows of ``references.py``.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from metaworld.policies import ENV_POLICY_MAP
from numpy.typing import NDArray

from metarl_bench.registry import make_suite
from metarl_bench.tasks import Suite, Task
from metarl_bench.testing import random_return
from metarl_suites.manipulation.references import Measured, episodes_of
from metarl_suites.manipulation.worlds import ManipulationWorlds


def expert_actions(worlds: ManipulationWorlds) -> NDArray[np.float32]:
    """Returns the scripted experts' actions of this step [num_worlds, 4]."""
    made_by: dict[str, Any] = {kind: ENV_POLICY_MAP[f"{kind}-v3"] for kind in set(worlds.kinds())}
    policies = {kind: policy() for kind, policy in made_by.items()}
    observations = zip(worlds.kinds(), worlds.full_observations(), strict=True)
    actions = [policies[kind].get_action(observation) for kind, observation in observations]
    clipped: NDArray[np.float32] = np.clip(np.array(actions), -1.0, 1.0).astype(np.float32)
    return clipped


def play_expert(
    suite: Suite, tasks: list[Task], *, num_threads: int = 0
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Plays one episode of each task.

    Returns:
        Whether any step of it was a success, and its return; both [tasks].
    """
    worlds = suite.make_worlds(len(tasks), num_threads=num_threads)
    if not isinstance(worlds, ManipulationWorlds):
        raise TypeError(f"{suite.spec.id} makes {type(worlds).__name__}; expected ManipulationWorlds.")
    worlds.set_tasks(tasks)
    worlds.reset(seed=0)
    solved, returns = np.zeros(len(tasks), np.bool_), np.zeros(len(tasks))
    for _ in range(suite.spec.horizon):
        _, rewards, _, _, infos = worlds.step(expert_actions(worlds))
        solved |= infos["success"]
        returns += rewards
    worlds.close()
    return solved, returns


def measure(suite_id: str) -> Measured:
    """Measures random play and the experts on all test tasks of a suite."""
    suite, episodes = make_suite(suite_id), episodes_of(suite_id)
    solved, returns = play_expert(suite, list(suite.tasks("test")) * episodes)
    random = random_return(suite_id, episodes=episodes)
    return Measured(random=round(random, 1), expert=round(float(returns.mean()), 1), success=float(solved.mean()))


if __name__ == "__main__":
    for name in sys.argv[1:]:
        found = measure(name)
        sys.stdout.write(f'    "{name}": Measured({found.random}, {found.expert}, {found.success:.3f}),\n')
        sys.stdout.flush()
