"""What the manipulation suites declare about themselves; loads without Meta-World and MuJoCo."""

from __future__ import annotations

import numpy as np
from gymnasium.spaces import Box

from metarl_bench.tasks import Parameter, SuiteSpec
from metarl_suites.manipulation.goals import GOALS_PER_KIND
from metarl_suites.manipulation.kinds import (
    COMPONENTS,
    FIXED,
    KINDS,
    SPLITS,
    ZEROS,
    split_of,
)
from metarl_suites.manipulation.references import references
from metarl_suites.manipulation.things import HELD_OUT, RANGES, TRAINED

HORIZON = 500
OBSERVATIONS = 39
# Rewards of version 2 lie between 0 and this.
MOST_REWARD = 10.0
# The goal's place in the observation, which is zero where the goal is hidden.
_HIDDEN_GOAL = (36, 37, 38)
# Numbers of a frame: an observation has that of this step, that of the step before, and the goal.
_FRAME = 18
_MEANINGS = {
    "object_x": "start of the object, or place of the fixture, to the right",
    "object_y": "the same, forward",
    "object_z": "the same, upward",
    "goal_x": "goal, to the right",
    "goal_y": "goal, forward",
    "goal_z": "goal, upward",
}


def component_range(kinds: tuple[str, ...], component: int) -> tuple[float, float]:
    """Returns between what a component of the goal vector lies in some kinds; 0 where a kind lacks it."""
    found = [KINDS[name] for name in kinds]
    lows = [kind.low[component] if component < len(kind.low) else 0.0 for kind in found]
    highs = [kind.high[component] if component < len(kind.high) else 0.0 for kind in found]
    return min(lows), max(highs)


def _constant(kinds: tuple[str, ...]) -> tuple[int, ...]:
    """Returns the elements of both frames that never change, whichever of some kinds is played."""
    found = set(range(_FRAME)).intersection(*(ZEROS[kind] for kind in kinds))
    if len(kinds) == 1:
        found.update(FIXED.get(kinds[0], ()))
    return (*sorted(found), *(_FRAME + element for element in sorted(found)))


def _parameters(kinds: tuple[str, ...]) -> tuple[Parameter, ...]:
    ranges = {name: component_range(kinds, place) for place, name in enumerate(COMPONENTS)}
    numbers = tuple(
        Parameter(name=name, unit="m", low=low, high=high, meaning=_MEANINGS[name])
        for name, (low, high) in ranges.items()
        if low < high
    )
    if len(kinds) == 1:
        return numbers
    last = float(len(kinds) - 1)
    return (Parameter(name="kind", unit="1", low=0.0, high=last, meaning="what to do", choices=kinds), *numbers)


def _spec(name: str, *, summary: str, budget: int, published: str) -> SuiteSpec:
    split = split_of(name)
    kinds = (*split.train, *(kind for kind in split.test if kind not in split.train))
    return SuiteSpec(
        id=f"manipulation/{name}-v1",
        summary=summary,
        factory="metarl_suites.manipulation.suite:ManipulationSuite",
        horizon=HORIZON,
        observation_space=Box(-np.inf, np.inf, (OBSERVATIONS,), np.float32),
        action_space=Box(-1.0, 1.0, (4,), np.float32),
        score="success",
        budget=budget,
        failure_return=-1.0,
        best_return=MOST_REWARD * HORIZON,
        parameters=_parameters(kinds),
        references=references(f"manipulation/{name}-v1"),
        finite_tasks=GOALS_PER_KIND * len(split.train),
        constant_observations=(*_constant(kinds), *_HIDDEN_GOAL),
        published=published,
        bibtex="yu2019metaworld",
        extras=("manipulation",),
    )


def _several(name: str, published: str) -> SuiteSpec:
    split = SPLITS[name]
    summary = f"Meta-World, {len(split.train)} kinds of task, tested on {len(split.test)} others"
    return _spec(name, summary=summary, budget=4_000_000, published=published)


def _objects() -> SuiteSpec:
    words = {
        "width": ("m", "between the fingers"),
        "height": ("m", "of the object"),
        "mass": ("kg", "of the object"),
        "friction": ("1", "sliding friction of the object against whatever touches it"),
    }
    return SuiteSpec(
        id="manipulation/objects-v1",
        summary="picks and places objects whose shape, size, mass and friction do not show",
        factory="metarl_suites.manipulation.object_suite:ObjectSuite",
        horizon=HORIZON,
        observation_space=Box(-np.inf, np.inf, (OBSERVATIONS,), np.float32),
        action_space=Box(-1.0, 1.0, (4,), np.float32),
        score="success",
        budget=4_000_000,
        failure_return=-1.0,
        best_return=MOST_REWARD * HORIZON,
        parameters=(
            Parameter(
                name="shape",
                unit="1",
                low=0.0,
                high=float(len(TRAINED) - 1),
                meaning=f"shape of the object; held out of training: {', '.join(HELD_OUT)}",
                choices=TRAINED,
            ),
            *(
                Parameter(name=name, unit=unit, low=RANGES[name][0], high=RANGES[name][1], meaning=meaning)
                for name, (unit, meaning) in words.items()
            ),
        ),
        references=references("manipulation/objects-v1"),
        constant_observations=_constant(("pick-place",)),
        published="none: a suite of metarl-bench, on the arm and with the reward of Meta-World's pick-place",
        bibtex="yu2019metaworld",
        extras=("manipulation",),
    )


SPECS: tuple[SuiteSpec, ...] = (
    *(
        _spec(
            f"ml1-{kind}",
            summary=f"Meta-World's {kind} with hidden goals",
            budget=2_000_000,
            published=f"metaworld.ML1('{kind}-v3', seed=1) of Meta-World 3.1.1: goals, dynamics, rewards of version 2",
        )
        for kind in KINDS
    ),
    _several("ml10", "metaworld.ML10(seed=1) of Meta-World 3.1.1"),
    _several("ml25", "metaworld.ML25 of Meta-World 3.1.1, but basketball, there in both halves, is a test kind only"),
    _several("ml45", "metaworld.ML45(seed=1) of Meta-World 3.1.1"),
    _objects(),
)
