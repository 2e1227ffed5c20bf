"""Plays training episodes with a policy that has weights of its own for each task."""

from __future__ import annotations

import numpy as np
import torch

from metarl_agents.common.gradient.episodes import Episodes
from metarl_agents.common.gradient.policy import GaussianPolicy
from metarl_agents.common.normalisers import RunningMoments
from metarl_agents.common.stacked import Weights
from metarl_bench.worlds import Worlds


def play(
    worlds: Worlds, policy: GaussianPolicy, weights: Weights, moments: RunningMoments, rng: np.random.Generator
) -> tuple[Episodes, np.ndarray]:
    """Plays one episode in each world with sampled actions.

    Args:
        worlds: Training worlds; those of one task follow each other.
        policy: Who acts.
        weights: A set for each task.
        moments: Normalise observations.
        rng: For the actions.

    Returns:
        The episodes, and the raw observations of their steps [rows, observation].
    """
    tasks = len(weights["log_std"])
    std = weights["log_std"].detach().exp().numpy()
    observations, _ = worlds.reset()
    active = np.ones(worlds.num_envs, np.bool_)
    steps, seen = [], []
    with torch.inference_mode():
        while active.any():
            normalised = moments.normalise(observations)
            mean = policy.mean(weights, torch.from_numpy(normalised.reshape(tasks, -1, normalised.shape[1]))).numpy()
            actions = mean + std * rng.standard_normal(mean.shape, dtype=np.float32)
            actions = actions.reshape(worlds.num_envs, -1)
            following, rewards, terminated, truncated, _ = worlds.step(actions)
            steps.append((normalised, actions, rewards, active))
            seen.append(observations[active])
            observations = following
            active = active & ~(terminated | truncated)
    return Episodes.of_worlds(steps, tasks=tasks), np.concatenate(seen)
