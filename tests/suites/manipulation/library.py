"""Meta-World itself, as the reference of the tests."""

from __future__ import annotations

import numpy as np
from metaworld.env_dict import ALL_V3_ENVIRONMENTS
from metaworld.policies import ENV_POLICY_MAP
from metaworld.sawyer_xyz_env import SawyerXYZEnv

from metarl_bench.tasks import Suite, Task
from metarl_suites.manipulation.suite import goal_of


def library_env(suite: Suite, task: Task) -> SawyerXYZEnv:
    """Returns Meta-World's own environment with a task of ours, as its ``set_task`` would leave it."""
    kind, vector = goal_of(suite.spec, task)
    env = ALL_V3_ENVIRONMENTS[f"{kind}-v3"]()
    env._set_task_called = True
    env._freeze_rand_vec = True
    env._last_rand_vec = vector
    return env


class Player:
    """Plays Meta-World's own environment: by its scripted expert, or at random."""

    def __init__(self, suite: Suite, task: Task, *, expert: bool, seed: int) -> None:
        self.env = library_env(suite, task)
        self._policy = ENV_POLICY_MAP[f"{goal_of(suite.spec, task)[0]}-v3"]() if expert else None
        self._rng = np.random.default_rng(seed)
        self.observation, _ = self.env.reset()

    def action(self) -> np.ndarray:
        if self._policy is None:
            return self._rng.uniform(-1, 1, 4).astype(np.float32)
        seen = self.observation.copy()
        seen[36:] = self.env._target_pos
        # Noise makes the expert miss now and then, so that more than the straight way is compared.
        action = self._policy.get_action(seen) + self._rng.normal(0, 0.05, 4)
        return np.clip(action, -1, 1).astype(np.float32)

    def physics(self) -> np.ndarray:
        """Returns all that a step of the physics depends on: what is in the state of a world of ours."""
        data = self.env.data
        parts = (data.time, data.qpos, data.qvel, data.qacc_warmstart, data.ctrl, data.mocap_pos, data.mocap_quat)
        return np.concatenate([np.ravel(part) for part in parts])
