"""The task distributions of the manipulation suites and their frozen lists."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from metarl_bench.errors import BenchError, ContractError
from metarl_bench.tasks import Split, Suite, SuiteSpec, Task
from metarl_suites.manipulation.goals import draw_goals
from metarl_suites.manipulation.kinds import COMPONENTS, KINDS, split_of

if TYPE_CHECKING:
    from metarl_suites.manipulation.worlds import ManipulationWorlds

# Meta-World's seed behind the goals; a new one needs a new version of the suites.
SEED = 1


@dataclass(frozen=True, kw_only=True)
class ManipulationSuite(Suite):
    """Some of Meta-World's kinds of task, with 50 goals each to train on, and others to be tested on."""

    def __post_init__(self) -> None:
        require_meta_world(self.spec)

    @override
    def sample_tasks(self, count: int, rng: np.random.Generator) -> list[Task]:
        known = self.tasks("train")
        return [known[draw] for draw in rng.integers(len(known), size=count)]

    @override
    def tasks(self, split: Split) -> tuple[Task, ...]:
        self.check_split(split)
        return _frozen_list(self.spec.id, split, tuple(parameter.name for parameter in self.spec.parameters))

    @override
    def make_worlds(self, num_worlds: int, *, num_threads: int = 0) -> ManipulationWorlds:
        from metarl_suites.manipulation.worlds import ManipulationWorlds

        return ManipulationWorlds(self.spec, num_worlds, num_threads=num_threads)


def require_meta_world(spec: SuiteSpec) -> None:
    """Raises ``BenchError`` where Meta-World is missing."""
    if find_spec("metaworld") is None:
        extras = ",".join(spec.extras)
        raise BenchError(f'{spec.id} needs Meta-World, which is missing; pip install "metarl-bench[{extras}]".')


@functools.cache
def _frozen_list(suite: str, split: Split, names: tuple[str, ...]) -> tuple[Task, ...]:
    kinds = split_of(_short_name(suite))
    if split == "test_ood":
        return ()
    if split == "test":
        # Meta-World tests ML1 on goals of the next seed, and the others on kinds that training lacks.
        drawn = draw_goals(kinds.test, SEED + 1 if kinds.test == kinds.train else SEED)
    else:
        # Meta-World has no validation list: these are new goals of the training kinds.
        drawn = draw_goals(kinds.train, SEED if split == "train" else SEED + 2)
    tasks = []
    for index, (kind, vector) in enumerate(drawn):
        values = {
            "kind": kind,
            **dict.fromkeys(COMPONENTS, 0.0),
            **dict(zip(COMPONENTS, vector.tolist(), strict=False)),
        }
        params = tuple((name, values[name]) for name in names)
        tasks.append(Task(suite=suite, split=split, index=index, params=params))
    return tuple(tasks)


def _short_name(suite: str) -> str:
    return suite.removeprefix("manipulation/").rpartition("-v")[0]


def goal_of(spec: SuiteSpec, task: Task) -> tuple[str, NDArray[np.float64]]:
    """Returns the kind of a task and its goal vector, with what the suite never varies filled in.

    Raises:
        ContractError: If Meta-World could not draw the vector: it would search for another one for ever.
    """
    named = dict(task.params)
    name = str(named.get("kind", _short_name(spec.id).removeprefix("ml1-")))
    if name not in KINDS:
        raise ContractError(f"A task has the kind {name!r}; expected one of {', '.join(KINDS)}.")
    kind = KINDS[name]
    places = zip(COMPONENTS, kind.low, strict=False)
    vector = np.array([float(named.get(component, low)) for component, low in places])
    if not kind.holds(vector):
        raise ContractError(
            f"A task of {spec.id} has the goal vector {vector.tolist()}; expected numbers from {list(kind.low)} to "
            f"{list(kind.high)}, with object and goal at least {kind.separation} m apart in x and y."
        )
    return name, vector
