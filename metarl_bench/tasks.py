"""The contract of suites: tasks, what a suite declares about itself, and how to make its worlds.

Depends on numpy and gymnasium alone, so that a suite can be written without the rest of the harness.
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from gymnasium.spaces import Box

from metarl_bench.errors import ContractError, close_matches

if TYPE_CHECKING:
    from metarl_bench.worlds import Worlds

Split = Literal["train", "validation", "test", "test_ood"]
SPLITS: tuple[Split, ...] = get_args(Split)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One MDP of a suite, as pure data.

    Attributes:
        suite: Id of the suite, e.g. ``locomotion/cheetah-velocity-v1``.
        split: Where the task may be used.
        index: Position in its split (for sampled tasks: the draw).
        params: Named parameters in SI units.
    """

    suite: str
    split: Split
    index: int
    params: tuple[tuple[str, float | str], ...]

    @property
    def key(self) -> str:
        """A stable string that two tasks share exactly if they are the same MDP."""
        return json.dumps([self.suite, self.params], separators=(",", ":"))

    def __getitem__(self, name: str) -> float | str:
        """Returns one parameter by its name."""
        for known, value in self.params:
            if known == name:
                return value
        raise KeyError(f"No parameter {name!r} in a task of {self.suite}. {close_matches(name, dict(self.params))}")

    def number(self, name: str) -> float:
        """Returns one numeric parameter by its name."""
        return float(self[name])

    def to_json(self) -> dict[str, Any]:
        """Returns the task as JSON types."""
        return {"suite": self.suite, "split": self.split, "index": self.index, "params": dict(self.params)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Task:
        """Returns the task that ``to_json`` wrote."""
        params = tuple((str(name), value) for name, value in data["params"].items())
        return cls(suite=data["suite"], split=data["split"], index=data["index"], params=params)


def hash_tasks(tasks: Sequence[Task]) -> str:
    """Returns a SHA-256 over the tasks and their order."""
    return hashlib.sha256("\n".join(task.key for task in tasks).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One hidden parameter of a task family, as the suite's card shows it.

    Attributes:
        name: As in ``Task.params``.
        unit: SI unit, or "1" for ratios.
        low: Lower end of the training range.
        high: Upper end of the training range.
        meaning: One phrase.
        choices: For parameters that name a kind instead of a number.
    """

    name: str
    unit: str
    low: float
    high: float
    meaning: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class References:
    """The two returns that make scores of different suites comparable.

    Attributes:
        random: Mean return of uniformly random actions.
        expert: Mean return of the expert.
        random_source: Command and size of the run behind ``random``.
        expert_source: Where ``expert`` comes from: an analytic bound, a scripted expert or a named set of runs.
    """

    random: float
    expert: float
    random_source: str
    expert_source: str

    def normalise(self, value: float) -> float:
        """Returns 0 for the random reference and 1 for the expert; above 1 is possible."""
        return (value - self.random) / (self.expert - self.random)


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteSpec:
    """What a suite declares about itself; frozen data that loads without the suite's code.

    Attributes:
        id: ``family/name-vN``. A change of numbers needs a new version.
        summary: One line for lists.
        factory: Where the ``Suite`` class is: ``package.module:Class``.
        horizon: Environment steps of an episode.
        observation_space: Of one world; float32.
        action_space: Of one world; actions are clipped to it.
        score: What a leaderboard compares.
        budget: Environment steps of meta-training.
        failure_return: Recorded for a failed episode: a lower bound of any return within the horizon.
        parameters: The card of what varies between tasks.
        best_return: An upper bound of any return within the horizon, by analysis; None where none is known.
        reachable_return: What the best behaviour known could earn in an episode: the scale of the references, where
            the bound is far above; ``best_return`` where None.
        references: Random and expert returns; None until measured.
        finite_tasks: Number of different tasks where the distribution is finite, else None.
        new_test_tasks: Whether no test task is a training task; where there is but a handful of tasks in all, it may
            not be so, and tables say it.
        ranked: Whether leaderboards rank it (toy suites are for tests).
        constant_observations: Indices of observation elements that never change; may only shrink.
        published: Which published definition the suite equals, or how it differs.
        bibtex: Key of the paper behind the task family.
        superseded_by: Id of the newer version, if there is one.
        extras: Of the package, which the suite needs.
    """

    id: str
    summary: str
    factory: str
    horizon: int
    observation_space: Box
    action_space: Box
    score: Literal["return", "success"]
    budget: int
    failure_return: float
    parameters: tuple[Parameter, ...]
    best_return: float | None = None
    reachable_return: float | None = None
    references: References | None = None
    finite_tasks: int | None = None
    new_test_tasks: bool = True
    ranked: bool = True
    constant_observations: tuple[int, ...] = ()
    published: str = ""
    bibtex: str = ""
    superseded_by: str | None = None
    extras: tuple[str, ...] = ()

    @property
    def family(self) -> str:
        """The part of the id before the slash."""
        return self.id.partition("/")[0]

    @property
    def privileged_width(self) -> int:
        """Length of a world's row of ``Worlds.privileged_parameters``."""
        return sum(len(parameter.choices) or 1 for parameter in self.parameters)

    def encode(self, task: Task) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Returns a task's parameters as numbers, with kinds as one-hot vectors.

        Returns:
            Array of shape [privileged_width].
        """
        row: list[float] = []
        for parameter in self.parameters:
            value = task[parameter.name]
            row.extend([float(value == choice) for choice in parameter.choices] or [float(value)])
        return np.array(row)


@dataclass(frozen=True, kw_only=True)
class Suite(ABC):
    """One task distribution with frozen test sets."""

    spec: SuiteSpec = field()

    @abstractmethod
    def sample_tasks(self, count: int, rng: np.random.Generator) -> list[Task]:
        """Returns tasks drawn from the training distribution."""

    @abstractmethod
    def tasks(self, split: Split) -> tuple[Task, ...]:
        """Returns the frozen list of ``validation``, ``test`` or ``test_ood`` (of ``train`` where it is finite)."""

    @abstractmethod
    def make_worlds(self, num_worlds: int, *, num_threads: int = 0) -> Worlds:
        """Returns a batch of worlds.

        Args:
            num_worlds: Size of the batch.
            num_threads: Physics threads; 0 takes one per core. Results never depend on it.
        """

    def task(self, split: Split, index: int, **params: float | str) -> Task:
        """Returns one task of this suite."""
        values = tuple((name, value if isinstance(value, str) else float(value)) for name, value in params.items())
        return Task(suite=self.spec.id, split=split, index=index, params=values)

    def check_split(self, split: str) -> None:
        """Raises ``ContractError`` unless the split has a frozen list in this suite."""
        known = SPLITS if self.spec.finite_tasks is not None else SPLITS[1:]
        if split not in known:
            raise ContractError(f"{self.spec.id} has no frozen list {split!r}; expected one of {', '.join(known)}.")
