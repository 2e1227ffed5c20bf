"""What the terrain suites declare about themselves; loads without MuJoCo."""

from __future__ import annotations

import numpy as np
from gymnasium.spaces import Box

from metarl_bench.tasks import Parameter, References, SuiteSpec
from metarl_suites.locomotion.declare import ORACLE, best_run
from metarl_suites.terrain.kinds import HELD_OUT, TRAINED
from metarl_suites.terrain.robots import ANT, CHEETAH, SIGHTED_WALKER, WALKER, Runner

# -- the reward's terms ----------------------------------------------------------------------------------------------

# 1/(m/s); for the speed along the track, as in Gymnasium's locomotion environments.
PROGRESS = 1.0
# 1; for each step that does not end in a fall, as Gymnasium's Hopper and Walker2d pay: falling costs the rest of it.
UPRIGHT = 1.0
# 1; weight of the squared action, from the first HalfCheetah task families (Finn et al. 2017).
CONTROL_COST = 0.05

# m along the track from the torso; where sighted robots see the ground. Less than the flat start, which shows no task.
SCAN = (-0.5, -0.25, 0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5)


def _parameters() -> tuple[Parameter, ...]:
    def low(name: str) -> float:
        return min(float(getattr(kind, name)[0]) for kind in TRAINED)

    def high(name: str) -> float:
        return max(float(getattr(kind, name)[1]) for kind in TRAINED)

    held_out = ", ".join(kind.name for kind in HELD_OUT)
    return (
        Parameter(
            name="kind",
            unit="1",
            low=0.0,
            high=0.0,
            meaning=f"kind of ground; held out of training: {held_out}",
            choices=tuple(kind.name for kind in TRAINED),
        ),
        Parameter(name="height", unit="m", low=low("height"), high=high("height"), meaning="rise of a step or wave"),
        Parameter(name="length", unit="m", low=low("length"), high=high("length"), meaning="from one to the next"),
        Parameter(
            name="friction",
            unit="1",
            low=low("friction"),
            high=high("friction"),
            meaning="of the ground, or of the ice",
        ),
        Parameter(name="layout", unit="1", low=0.0, high=1.0, meaning="where the irregular parts are"),
    )


def _terrain(
    name: str, words: str, factory: str, runner: Runner, *, sighted: bool, references: References | None = None
) -> SuiteSpec:
    body, horizon = runner.body, runner.horizon
    fastest, effort = PROGRESS * body.max_speed, CONTROL_COST * body.num_actions
    suffix, eyes, seen = ("-sighted", "with a height scan", len(SCAN)) if sighted else ("", "blind", 0)
    return SuiteSpec(
        id=f"locomotion/terrain-{name}{suffix}-v1",
        summary=f"{words} on ground that it has never met, {eyes}",
        factory=f"metarl_suites.terrain.suite:{factory}",
        horizon=horizon,
        observation_space=Box(-np.inf, np.inf, (runner.proprioception + seen,), np.float32),
        action_space=Box(-1.0, 1.0, (body.num_actions,), np.float32),
        score="return",
        budget=4_000_000,
        failure_return=-horizon * (fastest + effort),
        best_return=horizon * (fastest + UPRIGHT),
        reachable_return=horizon * (PROGRESS * body.known_speed + UPRIGHT),
        parameters=_parameters(),
        references=references,
        published="none: a family of metarl-bench",
    )


SPECS: tuple[SuiteSpec, ...] = (
    _terrain(
        "cheetah",
        "half cheetah",
        "CheetahTerrain",
        CHEETAH,
        sighted=False,
        references=best_run(
            "locomotion/terrain-cheetah-v1",
            random=131.5,
            expert=990.9,
            runs="the best of multitask-ppo's seeds 0, 1 and 2",
        ),
    ),
    _terrain(
        "cheetah",
        "half cheetah",
        "CheetahTerrain",
        CHEETAH,
        sighted=True,
        references=best_run("locomotion/terrain-cheetah-sighted-v1", random=129.8, expert=1210.7, runs=ORACLE),
    ),
    _terrain(
        "ant",
        "ant",
        "AntTerrain",
        ANT,
        sighted=False,
        references=best_run(
            "locomotion/terrain-ant-v1",
            random=106.2,
            expert=526.7,
            runs="the better of the oracle's and multitask-ppo's seed 0",
        ),
    ),
    _terrain(
        "ant",
        "ant",
        "AntTerrain",
        ANT,
        sighted=True,
        references=best_run("locomotion/terrain-ant-sighted-v1", random=107.5, expert=701.8, runs=ORACLE),
    ),
    _terrain(
        "walker",
        "walker",
        "WalkerTerrain",
        WALKER,
        sighted=False,
        references=best_run("locomotion/terrain-walker-v1", random=-2.3, expert=462.9, runs=ORACLE),
    ),
    _terrain(
        "walker",
        "walker",
        "SightedWalkerTerrain",
        SIGHTED_WALKER,
        sighted=True,
        references=best_run("locomotion/terrain-walker-sighted-v1", random=-2.4, expert=453.0, runs=ORACLE),
    ),
)
