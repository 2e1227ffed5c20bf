"""Advantages over a linear baseline, fitted to each task's own episodes (Duan et al. 2016, arXiv:1604.06778)."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
# Added to the diagonal of the normal equations.
RIDGE = 1e-5


def generalised_advantages(
    observations: Floats, rewards: Floats, active: NDArray[np.bool_], discount: float, decay: float
) -> NDArray[np.float64]:
    """Returns advantages [tasks, episodes, steps]; nothing is earned after an episode's last step.

    Args:
        observations: Normalised [tasks, episodes, steps, observation].
        rewards: [tasks, episodes, steps].
        active: Whether a step was taken [tasks, episodes, steps].
        discount: Per step.
        decay: Lambda (Schulman et al. 2016, equation 16).
    """
    paid = np.where(active, rewards, 0.0).astype(np.float64)
    returns = _discounted(paid, discount)
    values = np.where(active, _fitted(observations, returns, active), 0.0)
    following = np.concatenate([values[..., 1:], np.zeros_like(values[..., :1])], axis=-1)
    return _discounted(paid + discount * following - values, discount * decay)


def _discounted(numbers: NDArray[np.float64], discount: float) -> NDArray[np.float64]:
    """Returns the discounted sums from each step on; the last axis is the steps."""
    sums = np.zeros_like(numbers)
    running = np.zeros(numbers.shape[:-1])
    for step in reversed(range(numbers.shape[-1])):
        running = numbers[..., step] + discount * running
        sums[..., step] = running
    return sums


def _fitted(observations: Floats, returns: NDArray[np.float64], active: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Returns values that a ridge regression on features of observation and time gives [tasks, episodes, steps]."""
    tasks, episodes, steps = returns.shape
    seen = observations.astype(np.float64)
    time = np.broadcast_to((np.arange(steps) / 100.0)[:, None], (tasks, episodes, steps, 1))
    features = np.concatenate([seen, seen**2, time, time**2, time**3, np.ones_like(time)], axis=-1)
    # In torch, whose number of threads is set: on a busy machine numpy's own threads wait for each other.
    rows = torch.from_numpy((features * active[..., None]).reshape(tasks, episodes * steps, -1))
    wanted = torch.from_numpy(np.where(active, returns, 0.0).reshape(tasks, -1, 1))
    normal = rows.mT @ rows + RIDGE * torch.eye(rows.shape[-1], dtype=rows.dtype)
    fitted: NDArray[np.float64] = (rows @ torch.linalg.solve(normal, rows.mT @ wanted)).reshape(returns.shape).numpy()
    return fitted
