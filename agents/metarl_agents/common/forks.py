"""Forks of the state of a batch of trials."""

from __future__ import annotations

import copy
from typing import Any, TypeVar

Trial = TypeVar("Trial", bound=Any)


def fork_of(trial: Trial) -> Trial:
    """Returns a copy that shares everything but the stream of random numbers, which goes on in both from here.

    What belongs to the trial alone and is written into must be copied besides.
    """
    twin = copy.copy(trial)
    twin._rng = copy.deepcopy(trial._rng)
    return twin
