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

    def __init__(self) -> None:
        self.moments = RunningMoments(1)

    @property
    def factor(self) -> float:
        """What rewards are multiplied with."""
        return float(1.0 / np.sqrt(self.moments.variance[0] + 1e-8))

    def update(self, returns: Floats) -> None:
        """Takes in discounted returns [steps, worlds]."""
        self.moments.update(returns[..., np.newaxis])


class RunningReturns:
    """Discounted returns of some worlds, and how far they deviated since each world's trial began."""

    def __init__(self, num_worlds: int, discount: float) -> None:
        self._discount = discount
        self._running = np.zeros(num_worlds)
        # Number, sum, and sum of squares of a trial's returns so far.
        self._sums = np.zeros((3, num_worlds))

    def extend(self, rewards: Floats, starts: NDArray[np.bool_], ends: NDArray[np.bool_]) -> tuple[Floats, Floats]:
        """Takes in the rewards of some steps.

        Args:
            rewards: [steps, worlds].
            starts: Whether a trial began at the step [steps, worlds].
            ends: Whether a return ended with the step [steps, worlds].

        Returns:
            The discounted return after each step [steps, worlds], and the standard deviation of those that the step's
            trial had, from its beginning to its end or to the last step [steps, worlds].
        """
        returns = np.empty(rewards.shape)
        deviations = np.full(rewards.shape, np.nan)
        for step, (begun, ended) in enumerate(zip(starts, ends, strict=True)):
            if begun.any():
                _fill(deviations[:step], begun, self._deviation())
                self._sums[:, begun] = 0.0
            returns[step] = rewards[step] + self._discount * self._running
            self._sums += [np.ones_like(returns[step]), returns[step], returns[step] ** 2]
            self._running = np.where(ended, 0.0, returns[step])
        _fill(deviations, np.ones_like(starts[0]), self._deviation())
        return returns, deviations

    def _deviation(self) -> NDArray[np.float64]:
        _, mean, square = self._sums / np.maximum(self._sums[0], 1.0)
        deviation: NDArray[np.float64] = np.sqrt(np.maximum(square - mean**2, 0.0))
        return deviation


def _fill(rows: Floats, worlds: NDArray[np.bool_], values: Floats) -> None:
    """Writes the values of some worlds [worlds] into those of their rows [steps, worlds] that are empty yet."""
    rows[:] = np.where(np.isnan(rows) & worlds, values, rows)
