"""Checks of suites: what they declare, what arrays look like, and what is refused."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metarl_bench.errors import ContractError
from metarl_bench.registry import SUITE_ID
from metarl_bench.tasks import Suite, Task
from metarl_bench.testing.conformance import expect, expect_error, global_random_state
from metarl_bench.testing.rollouts import differing, random_actions, ready, rollout, sample

NUM_WORLDS = 4
MOST_STEPS = 50


def spec_is_sound(suite: Suite) -> None:
    """The numbers of the SuiteSpec make sense together."""
    spec = suite.spec
    expect(SUITE_ID.fullmatch(spec.id), f"The id is {spec.id!r}; expected {SUITE_ID.pattern}.")
    expect(spec.horizon >= 1, f"horizon is {spec.horizon}; expected at least 1.")
    expect(spec.budget >= spec.horizon, f"budget is {spec.budget}; expected at least the horizon, {spec.horizon}.")
    expect(math.isfinite(spec.failure_return), f"failure_return is {spec.failure_return}; expected a finite number.")
    if spec.best_return is not None:
        best = spec.best_return
        expect(best > spec.failure_return, f"best_return is {best}; expected more than failure_return.")
        expect(
            spec.references is None or spec.references.expert <= best,
            f"The expert reference is above best_return, {best}, which no return can exceed.",
        )
    for name, space in (("observation_space", spec.observation_space), ("action_space", spec.action_space)):
        expect(space.dtype == np.float32, f"{name} has dtype {space.dtype}; expected float32.")
        expect(len(space.shape) == 1, f"{name} has shape {space.shape}; expected one axis.")
    expect(spec.action_space.is_bounded(), f"action_space is {spec.action_space}; expected finite bounds.")
    names = [parameter.name for parameter in spec.parameters]
    expect(names and len(set(names)) == len(names), f"parameters are {names}; expected one or more different names.")
    outside = [index for index in spec.constant_observations if not 0 <= index < spec.observation_space.shape[0]]
    expect(not outside, f"constant_observations has {outside}; expected indices below {spec.observation_space.shape}.")
    if spec.references is not None:
        low, high = spec.references.random, spec.references.expert
        expect(
            high > low >= spec.failure_return, f"random is {low}, expert {high}; expected failure <= random < expert."
        )


def arrays_are_as_declared(suite: Suite) -> None:
    """Every array has the declared shape and type, and is finite."""
    worlds = suite.make_worlds(NUM_WORLDS)
    worlds.set_tasks(sample(suite, NUM_WORLDS, purpose="arrays"))
    observations, infos = worlds.reset(seed=0)
    shape = (NUM_WORLDS, *suite.spec.observation_space.shape)
    expect(infos["success"].shape == (NUM_WORLDS,), 'reset has no infos["success"] of shape [num_worlds].')
    for action in random_actions(suite.spec, min(suite.spec.horizon, MOST_STEPS), NUM_WORLDS, purpose="arrays"):
        got = f"observations {observations.dtype}{observations.shape}"
        expect(observations.shape == shape and observations.dtype == np.float32, f"{got}; expected float32{shape}.")
        expect(np.isfinite(observations).all(), "Observations hold NaN or infinite numbers.")
        inside = (observations >= suite.spec.observation_space.low) & (
            observations <= suite.spec.observation_space.high
        )
        expect(
            inside.all(), f"Observations leave the declared space in elements {set(np.nonzero(~inside)[1].tolist())}."
        )
        observations, rewards, terminated, truncated, infos = worlds.step(action)
        expect(rewards.dtype == np.float64, f"rewards are {rewards.dtype}; expected float64.")
        expect(np.isfinite(rewards).all(), "Rewards hold NaN or infinite numbers.")
        flags = {name: infos.get(name) for name in ("success", "active", "clipped", "invalid")}
        flags |= {"terminated": terminated, "truncated": truncated}
        for name, array in flags.items():
            good = isinstance(array, np.ndarray) and array.dtype == np.bool_ and array.shape == (NUM_WORLDS,)
            expect(good, f"{name} is {array!r}; expected bool({NUM_WORLDS},).")


def privileged_parameters_are_as_wide_as_declared(suite: Suite) -> None:
    """The privileged view is [worlds, privileged_width], finite, and tells the tasks apart."""
    worlds = ready(suite, sample(suite, NUM_WORLDS, purpose="privileged"))
    view = worlds.privileged_parameters()
    shape = (NUM_WORLDS, suite.spec.privileged_width)
    expect(view.shape == shape and view.dtype == np.float64, f"got {view.dtype}{view.shape}; expected float64{shape}.")
    expect(np.isfinite(view).all(), "The privileged parameters hold NaN or infinite numbers.")


def step_before_reset_is_refused(suite: Suite) -> None:
    """A world must be reset after it got a task, and must have one before it is reset."""
    tasks = sample(suite, NUM_WORLDS, purpose="refusals")
    worlds = suite.make_worlds(NUM_WORLDS)
    still = np.zeros((NUM_WORLDS, *suite.spec.action_space.shape))
    expect_error(lambda: worlds.reset(seed=0), ContractError, "reset before set_tasks")
    worlds.set_tasks(tasks)
    expect_error(lambda: worlds.step(still), ContractError, "step before reset")
    worlds.reset(seed=0)
    worlds.step(still)
    worlds.set_tasks(tasks[:1], np.arange(NUM_WORLDS) == 1)
    expect_error(lambda: worlds.step(still), ContractError, "step after set_tasks without reset")


def tasks_that_do_not_fit_are_refused(suite: Suite) -> None:
    """set_tasks takes one task of this suite per world, or nothing changes."""
    tasks = sample(suite, NUM_WORLDS, purpose="refusals")
    foreign = Task(suite="another/suite-v1", split="train", index=0, params=tasks[0].params)
    worlds = ready(suite, tasks)
    before = worlds.snapshot()
    misfits: dict[str, list[Any]] = {
        "too few tasks": tasks[:-1],
        "a task of another suite": [*tasks[:-1], foreign],
        "a dict": [*tasks[:-1], tasks[-1].to_json()],
    }
    for situation, wrong in misfits.items():
        expect_error(partial(worlds.set_tasks, wrong), ContractError, f"set_tasks with {situation}")
    expect(not differing(before, worlds.snapshot()), "A refused set_tasks changed the worlds.")


def bad_actions_are_refused_before_any_world_moves(suite: Suite) -> None:
    """NaN, infinite and misshapen actions raise, and leave all worlds where they were."""
    worlds = ready(suite, sample(suite, NUM_WORLDS, purpose="refusals"))
    before = worlds.snapshot()
    good = np.zeros((NUM_WORLDS, *suite.spec.action_space.shape))
    bad = {f"{value} in world 1": _with_value(good, value) for value in (np.nan, np.inf, -np.inf)}
    bad |= {"one world too few": good[:-1], "no axis for worlds": good[0], "text": good.astype(np.str_)}
    for situation, actions in bad.items():
        expect_error(partial(worlds.step, actions), ContractError, f"step with actions with {situation}")
        changed = differing(before, worlds.snapshot())
        expect(not changed, f"step with {situation} raised but moved worlds: {changed}. Check all before moving any.")


def _with_value(actions: NDArray[np.float64], value: float) -> NDArray[Any]:
    changed = actions.copy()
    changed[1, -1] = value
    return changed


def out_of_range_actions_equal_clipped_ones(suite: Suite) -> None:
    """Actions are clipped to the action space, and infos say so."""
    tasks = sample(suite, NUM_WORLDS, purpose="clipping")
    far = 3.0 * random_actions(suite.spec, min(suite.spec.horizon, MOST_STEPS), NUM_WORLDS, purpose="clipping")
    far[0, 0] = 1e30
    near = np.clip(far, suite.spec.action_space.low, suite.spec.action_space.high)
    first = rollout(ready(suite, tasks), far)
    second = rollout(ready(suite, tasks), near)
    different = differing(first, second)
    expect(not different, f"Out-of-range actions do something else than clipped ones: {different}.")
    *_, infos = ready(suite, tasks).step(far[0])
    expect(infos["clipped"][0], 'infos["clipped"] is False for an action of 1e30.')


def results_share_no_memory(suite: Suite) -> None:
    """What step and snapshot return is the caller's: later steps do not change it, and changing it does no harm."""
    worlds = ready(suite, sample(suite, NUM_WORLDS, purpose="memory"))
    actions = random_actions(suite.spec, 3, NUM_WORLDS, purpose="memory")
    first, second = worlds.step(actions[0]), worlds.step(actions[1])
    names = ("observations", "rewards", "terminated", "truncated")
    for name, old, new in zip(names, first[:4], second[:4], strict=True):
        expect(not np.shares_memory(old, new), f"Consecutive {name} share memory; return a fresh array each time.")
    live = worlds.snapshot()
    for name, array in worlds.snapshot().items():
        expect(not np.shares_memory(array, live[name]), f"{name} of two snapshots share memory; return copies.")
    second[0][...] = np.nan
    observations, *_ = worlds.step(actions[2])
    expect(np.isfinite(observations).all(), "Writing into returned observations changed the worlds.")


def global_random_state_is_left_alone(suite: Suite) -> None:
    """All randomness comes from the seeds: the global streams of Python, numpy and torch are not used."""
    worlds = suite.make_worlds(NUM_WORLDS)
    before = global_random_state()
    worlds.set_tasks(sample(suite, NUM_WORLDS, purpose="globals"))
    worlds.reset(seed=0)
    rollout(worlds, random_actions(suite.spec, min(suite.spec.horizon, MOST_STEPS), NUM_WORLDS, purpose="globals"))
    expect(
        global_random_state() == before,
        "Global random state was used; draw from the generators that sample_tasks and _begin are given.",
    )
