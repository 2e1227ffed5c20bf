"""Checks of suites: what episodes may depend on, and that they can be frozen, continued and repeated."""

from __future__ import annotations

import dataclasses

import numpy as np

from metarl_bench.tasks import Suite, Task
from metarl_bench.testing.conformance import expect
from metarl_bench.testing.rollouts import differing, random_actions, ready, rollout, sample, seeds
from metarl_bench.worlds import Worlds

NUM_WORLDS = 4
NUM_PAIRS = 32
MOST_STEPS = 60
# Steps of each draw of pairs, while a parameter has not shown: most show at once, and where arriving alone pays, few
# get anywhere.
DRAWS = (4, MOST_STEPS, MOST_STEPS, MOST_STEPS, MOST_STEPS)
CONSTANT_STEPS = 2000


def _steps(suite: Suite, most: int = MOST_STEPS) -> int:
    return min(suite.spec.horizon, most)


def equal_seeds_give_equal_episodes(suite: Suite) -> None:
    """The same tasks, seeds and actions give the same episode, bit for bit, whatever was played before."""
    tasks = sample(suite, NUM_WORLDS, purpose="seeds")
    actions = random_actions(suite.spec, _steps(suite), NUM_WORLDS, purpose="seeds")
    worlds = ready(suite, tasks)
    start, _ = worlds.reset(seed=seeds(NUM_WORLDS))
    first = rollout(worlds, actions)
    again, _ = worlds.reset(seed=seeds(NUM_WORLDS))
    different = differing(first, rollout(worlds, actions))
    fresh = differing(first, rollout(ready(suite, tasks), actions))
    expect(
        np.array_equal(start, again), "Two resets with one seed give different observations; draw from the given rngs."
    )
    expect(not different, f"Two episodes with one seed differ: {different}. Reset everything in _begin.")
    expect(not fresh, f"One seed in two Worlds objects gives different episodes: {fresh}.")


def other_seeds_give_other_episodes(suite: Suite) -> None:
    """Another seed gives another episode."""
    expect(
        _seeds_matter(suite),
        "Two seeds give the same episode; draw the initial state from the given rngs, or check with "
        "deterministic=True if episodes are meant not to depend on the seed.",
    )


def seeds_change_nothing(suite: Suite) -> None:
    """Stands in for the check above in suites that say that their episodes do not depend on the seed."""
    expect(not _seeds_matter(suite), "deterministic=True was stated, but two seeds give different episodes; drop it.")


def _seeds_matter(suite: Suite) -> bool:
    tasks = sample(suite, NUM_WORLDS, purpose="seeds")
    actions = random_actions(suite.spec, _steps(suite), NUM_WORLDS, purpose="seeds")
    first, second = (
        rollout(ready(suite, tasks, world_seeds=seeds(NUM_WORLDS, first=first)), actions) for first in (0, 100)
    )
    return bool(differing(first, second))


def every_parameter_matters(suite: Suite) -> None:
    """Changing one parameter of a task changes what the same actions with the same seed lead to."""
    hidden = [parameter.name for parameter in suite.spec.parameters]
    for draw, steps in enumerate(DRAWS):
        if hidden:
            hidden = _hidden(suite, hidden, steps, purpose=f"parameters {draw}")
    expect(
        not hidden,
        f"The parameters {', '.join(hidden)} change neither observations nor rewards in {len(DRAWS) * NUM_PAIRS} pairs "
        "of tasks; use them in _assign or leave them out.",
    )


def _hidden(suite: Suite, names: list[str], steps: int, *, purpose: str) -> list[str]:
    """Returns those of some parameters that change nothing in so many steps of any of some pairs of tasks."""
    donors = sample(suite, 2 * NUM_PAIRS, purpose=purpose)
    actions = random_actions(suite.spec, _steps(suite, steps), NUM_PAIRS, purpose=purpose)
    tasks = donors[:NUM_PAIRS]
    base = rollout(ready(suite, tasks), actions)

    def shows(name: str) -> bool:
        pairs = zip(tasks, donors[NUM_PAIRS:], strict=True)
        changed = [_with_parameter(task, donor, name) for task, donor in pairs]
        return bool(differing(base, rollout(ready(suite, changed), actions)))

    return [name for name in names if not shows(name)]


def _with_parameter(task: Task, donor: Task, name: str) -> Task:
    params = tuple((known, donor[name] if known == name else value) for known, value in task.params)
    return dataclasses.replace(task, params=params)


def batching_and_threads_change_nothing(suite: Suite) -> None:
    """A world does the same alone, in a batch, in another place of it, and with any number of threads."""
    tasks = sample(suite, NUM_WORLDS, purpose="batches")
    actions = random_actions(suite.spec, _steps(suite), NUM_WORLDS, purpose="batches")
    batch = rollout(ready(suite, tasks), actions)
    threads = differing(batch, rollout(ready(suite, tasks, num_threads=3), actions))
    expect(not threads, f"Another number of threads changes the result: {threads}.")
    for world in range(NUM_WORLDS):
        worlds = ready(suite, tasks[world : world + 1], world_seeds=seeds(1, first=world))
        alone = rollout(worlds, actions[:, world : world + 1])
        different = differing({name: array[:, world : world + 1] for name, array in batch.items()}, alone)
        expect(not different, f"World {world} does something else alone than among {NUM_WORLDS}: {different}.")


def partial_resets_leave_the_neighbours_alone(suite: Suite) -> None:
    """Resetting and giving tasks to some worlds changes nothing in the others."""
    tasks = sample(suite, NUM_WORLDS, purpose="partial")
    actions = random_actions(suite.spec, _steps(suite), NUM_WORLDS, purpose="partial")
    half = len(actions) // 2
    left, right = ready(suite, tasks), ready(suite, tasks)
    rollout(left, actions[:half])
    before = rollout(right, actions[:half])["observations"]
    mask = np.arange(NUM_WORLDS) < NUM_WORLDS // 2
    right.set_tasks(sample(suite, NUM_WORLDS, purpose="partial, other tasks")[: mask.sum()], mask)
    others = seeds(NUM_WORLDS, first=50)
    observations, _ = right.reset(seed=others, options={"reset_mask": mask})
    if half:
        unmoved = np.array_equal(observations[~mask], before[-1][~mask])
        expect(unmoved, "A reset of some worlds changed what the others observe; begin only the given worlds.")
    first, second = rollout(left, actions[half:]), rollout(right, actions[half:])
    different = differing(*({name: array[:, ~mask] for name, array in log.items()} for log in (first, second)))
    expect(not different, f"A reset of some worlds changed how the others go on: {different}.")


def worlds_begin_one_by_one(suite: Suite) -> None:
    """Worlds may get tasks and begin one after another, beside others without a task; a mask may select nobody."""
    tasks = sample(suite, NUM_WORLDS, purpose="one by one")
    all_at_once, worlds = (suite.make_worlds(NUM_WORLDS) for _ in range(2))
    all_at_once.set_tasks(tasks)
    together, _ = all_at_once.reset(seed=seeds(NUM_WORLDS))
    worlds.set_tasks([], np.zeros(NUM_WORLDS, np.bool_))
    for world, task in enumerate(tasks):
        mask = np.arange(NUM_WORLDS) == world
        worlds.set_tasks([task], mask)
        alone, _ = worlds.reset(seed=seeds(NUM_WORLDS), options={"reset_mask": mask})
        expect(np.array_equal(alone[world], together[world]), f"World {world} begins otherwise where others do not.")


def ended_worlds_stay_frozen(suite: Suite) -> None:
    """A world whose episode has ended keeps observation and flags, pays 0 and is not stepped, beside running ones."""
    horizon = suite.spec.horizon
    worlds = ready(suite, sample(suite, NUM_WORLDS, purpose="frozen"))
    actions = random_actions(suite.spec, horizon + 2, NUM_WORLDS, purpose="frozen")
    mask = np.arange(NUM_WORLDS) < NUM_WORLDS // 2
    rollout(worlds, actions[: horizon // 2])
    worlds.reset(seed=seeds(NUM_WORLDS, first=50), options={"reset_mask": mask})
    rollout(worlds, actions[horizon // 2 : horizon])
    old, _, terminated, truncated, _ = worlds.step(actions[horizon])
    ended = terminated | truncated
    expect(ended[~mask].all(), f"Worlds run on after the horizon of {horizon} steps; truncate them.")
    before = worlds.snapshot()
    new, rewards, *flags, infos = worlds.step(actions[horizon + 1])
    after = worlds.snapshot()
    expect(np.array_equal(new[ended], old[ended]), "An ended world's observation changed; step only running worlds.")
    expect(not rewards[ended].any(), f"Ended worlds pay {rewards[ended]}; expected 0.")
    same = all(
        np.array_equal(now[ended], then[ended]) for now, then in zip(flags, (terminated, truncated), strict=True)
    )
    expect(same, "The flags of an ended world changed; keep them until reset.")
    expect(not infos["active"][ended].any(), 'infos["active"] is True for an ended world.')
    moved = differing(*({name: array[ended] for name, array in state.items()} for state in (before, after)))
    expect(not moved, f"The state of ended worlds changed: {moved}. Step only the worlds that _advance is given.")


def snapshots_continue_bit_exactly(suite: Suite) -> None:
    """Fresh worlds, restored from a snapshot, go on as the original: this episode and the next ones."""
    tasks = sample(suite, NUM_WORLDS, purpose="snapshots")
    actions = random_actions(suite.spec, max(_steps(suite), 3), NUM_WORLDS, purpose="snapshots")
    third = len(actions) // 3
    worlds = ready(suite, tasks)
    rollout(worlds, actions[:third])
    worlds.reset(options={"reset_mask": np.arange(NUM_WORLDS) == 1})
    rollout(worlds, actions[third : 2 * third])
    snapshot = worlds.snapshot()
    objects = [name for name, array in snapshot.items() if array.dtype.hasobject]
    expect(not objects, f"The snapshot holds Python objects in {objects}; expected plain arrays.")
    # The copy has a past of its own: whatever the snapshot forgets shows.
    copy = ready(suite, tasks, world_seeds=seeds(NUM_WORLDS, first=70))
    rollout(copy, actions[::-1][: third + 1])
    copy.restore(snapshot)
    _expect_same_future(worlds, copy, actions[2 * third :], "A restored world does not go on as the original")
    masked = {"reset_mask": np.arange(NUM_WORLDS) % 2 == 0}
    (start, _), (copied, _) = (both.reset(options=masked) for both in (worlds, copy))
    expect(
        np.array_equal(start, copied), "After a restore, the next reset differs; put streams and counters into _state."
    )
    _expect_same_future(worlds, copy, actions[:third], "After a restore, the next episode differs")


def _expect_same_future(original: Worlds, copy: Worlds, actions: np.ndarray, what: str) -> None:
    different = differing(rollout(original, actions), rollout(copy, actions))
    expect(not different, f"{what}: {different}. Put every array that a step reads into _state.")


def observations_that_never_change_are_declared(suite: Suite) -> None:
    """Exactly the elements in constant_observations stay the same in all worlds over 2000 random steps."""
    num_worlds = 10
    worlds = ready(suite, sample(suite, num_worlds, purpose="constant"))
    seen = []
    for action in random_actions(suite.spec, CONSTANT_STEPS // num_worlds, num_worlds, purpose="constant"):
        observations, _, terminated, truncated, _ = worlds.step(action)
        seen.append(observations.copy())
        ended = terminated | truncated
        if ended.any():
            worlds.reset(options={"reset_mask": ended})
    flat = np.concatenate(seen)
    constant = tuple(np.flatnonzero((flat == flat[0]).all(axis=0)).tolist())
    declared = tuple(sorted(suite.spec.constant_observations))
    expect(
        constant == declared,
        f"Observation elements {constant} never change, constant_observations says {declared}; leave constant "
        "elements out of the observation, and take elements that do change off the list.",
    )
