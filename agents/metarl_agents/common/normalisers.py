"""Running statistics that bring observations and rewards to a common scale; frozen at meta-test."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
# Normalised values beyond this many standard deviations are cut off.
CLIP = 10.0


class RunningMoments:
    """Mean and variance of all rows seen so far (Chan et al. 1979, parallel update).

    Attributes:
        mean: float64 [size].
        variance: float64 [size]; 1 until the first update.
        count: Rows seen.
    """

    def __init__(self, size: int) -> None:
        self.mean = np.zeros(size)
        self.variance = np.ones(size)
        self.count = 0.0

    def update(self, rows: Floats) -> None:
        """Takes in rows [..., size]."""
        flat = rows.reshape(-1, rows.shape[-1]).astype(np.float64)
        count = self.count + len(flat)
        delta = flat.mean(axis=0) - self.mean
        spread = self.variance * self.count + flat.var(axis=0) * len(flat)
        self.variance = (spread + delta**2 * self.count * len(flat) / count) / count
        self.mean = self.mean + delta * len(flat) / count
        self.count = count

    def normalise(self, rows: Floats) -> NDArray[np.float32]:
        """Returns rows [..., size] with mean 0 and variance 1, cut off at ``CLIP``."""
        scaled = (rows - self.mean) / np.sqrt(self.variance + 1e-8)
        return np.minimum(np.maximum(scaled, -CLIP), CLIP).astype(np.float32)

    def arrays(self) -> dict[str, NDArray[np.float64]]:
        """Returns the whole state."""
        return {"mean": self.mean, "variance": self.variance, "count": np.array([self.count])}

    def set_arrays(self, arrays: dict[str, NDArray[np.float64]]) -> None:
        """Takes over what ``arrays`` returned."""
        self.mean, self.variance = arrays["mean"].copy(), arrays["variance"].copy()
        self.count = float(arrays["count"][0])


class RewardScale:
    """Divides rewards by the running standard deviation of the discounted return (Engstrom et al. 2020)."""

    def __init__(self, discount: float) -> None:
        self.moments = RunningMoments(1)
        self._discount = discount

    @property
    def factor(self) -> float:
        """What rewards are multiplied with."""
        return float(1.0 / np.sqrt(self.moments.variance[0] + 1e-8))

    def update(self, rewards: Floats, ends: NDArray[np.bool_], running: NDArray[np.float64]) -> NDArray[np.float64]:
        """Takes in the rewards of some steps.

        Args:
            rewards: [steps, worlds].
            ends: Whether a trial ended with the step [steps, worlds].
            running: Discounted return before the first step [worlds].

        Returns:
            The discounted return after the last step [worlds], for the next call.
        """
        returns = np.empty(rewards.shape)
        for step in range(len(rewards)):
            running = rewards[step] + self._discount * running
            returns[step] = running
            running = np.where(ends[step], 0.0, running)
        self.moments.update(returns[..., np.newaxis])
        return running
