"""Short rollouts for the checks of suites."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metarl_bench import seeding
from metarl_bench.tasks import Suite, SuiteSpec, Task
from metarl_bench.worlds import Worlds


def sample(suite: Suite, count: int, *, purpose: str) -> list[Task]:
    """Returns training tasks that depend on the purpose alone."""
    return suite.sample_tasks(count, seeding.generator("conformance", suite.spec.id, purpose))


def seeds(count: int, *, first: int = 0) -> list[int]:
    """Returns one seed a world."""
    return [seeding.world_seed("conformance", first + world) for world in range(count)]


def random_actions(spec: SuiteSpec, steps: int, num_worlds: int, *, purpose: str) -> NDArray[np.float64]:
    """Returns steady pushes with noise [steps, worlds, action]: they get farther than noise alone."""
    rng = seeding.generator("conformance", "actions", purpose)
    low, high = spec.action_space.low, spec.action_space.high
    push = rng.uniform(low, high, (num_worlds, *low.shape))
    noise = rng.uniform(low, high, (steps, num_worlds, *low.shape))
    return np.asarray(np.clip(0.7 * push + 0.5 * noise, low, high), np.float64)


def ready(
    suite: Suite, tasks: Sequence[Task], *, world_seeds: Sequence[int] | None = None, num_threads: int = 1
) -> Worlds:
    """Returns worlds that have these tasks and have been reset."""
    worlds = suite.make_worlds(len(tasks), num_threads=num_threads)
    worlds.set_tasks(tasks)
    worlds.reset(seed=world_seeds or seeds(len(tasks)))
    return worlds


def rollout(worlds: Worlds, actions: NDArray[np.float64]) -> dict[str, NDArray[Any]]:
    """Steps the worlds through actions [steps, worlds, action].

    Returns:
        Arrays [steps, worlds, ...] of ``observations``, ``rewards``, ``terminated``, ``truncated`` and ``success``.
    """
    names = ("observations", "rewards", "terminated", "truncated")
    log: dict[str, list[NDArray[Any]]] = {name: [] for name in (*names, "success")}
    for action in actions:
        *arrays, infos = worlds.step(action)
        for name, array in zip((*names, "success"), (*arrays, infos["success"]), strict=True):
            log[name].append(array.copy())
    return {name: np.array(arrays) for name, arrays in log.items()}


def differing(first: dict[str, NDArray[Any]], second: dict[str, NDArray[Any]]) -> list[str]:
    """Returns the names of the arrays that are not equal bit for bit, with the first place where they differ."""
    found = []
    for name in first:
        places = np.argwhere(first[name] != second[name])
        if len(places):
            place = tuple(places[0].tolist())
            found.append(f"{name}{list(place)} ({first[name][place]!r} and {second[name][place]!r})")
    return found
