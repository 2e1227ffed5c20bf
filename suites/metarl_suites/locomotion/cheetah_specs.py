"""The suites of the half cheetah."""

from __future__ import annotations

from typing import Any

from metarl_bench.tasks import Parameter, References, SuiteSpec
from metarl_suites.locomotion.declare import ORACLE, ORACLES, best_run, declare
from metarl_suites.locomotion.rewards import CHEETAH_CONTROL_COST
from metarl_suites.locomotion.robots import CHEETAH

# m; bounds of the cheetah's height over its start: its torso begins 0.7 m above the floor, and is thrown no higher than
# its greatest speed allows.
LOWEST, HIGHEST = -1.0, CHEETAH.max_speed**2 / (2.0 * 9.81)


def _cheetah_observations(size: int) -> tuple[str, tuple[int, ...]]:
    """Returns the ending of the suite class and the constant elements: the planar torso's y coordinate is always 0."""
    return ("WithPosition", (18,)) if size == 20 else ("", ())


def _velocity(
    name: str, *, high: float, observation_size: int, published: str, references: References | None = None
) -> SuiteSpec:
    ending, constant = _cheetah_observations(observation_size)
    return declare(
        name,
        CHEETAH,
        summary=f"half cheetah, run at a hidden speed of 0-{high:g} m/s",
        factory=f"CheetahVelocity{ending}",
        observation_size=observation_size,
        parameters=(Parameter(name="velocity", unit="m/s", low=0.0, high=high, meaning="speed to run at"),),
        step_rewards=(-(CHEETAH.max_speed + high + CHEETAH_CONTROL_COST * 6), 0.0),
        published=published,
        bibtex="finn2017maml",
        references=references,
        constant_observations=constant,
    )


def _direction(
    name: str, *, horizon: int, observation_size: int, published: str, references: References | None = None
) -> SuiteSpec:
    ending, constant = _cheetah_observations(observation_size)
    return declare(
        name,
        CHEETAH,
        summary="half cheetah, run forward or backward",
        factory=f"CheetahDirection{ending}",
        horizon=horizon,
        observation_size=observation_size,
        parameters=(Parameter(name="direction", unit="1", low=-1.0, high=1.0, meaning="+1 forward, -1 backward"),),
        step_rewards=(-(CHEETAH.max_speed + CHEETAH_CONTROL_COST * 6), CHEETAH.max_speed),
        reachable_reward=CHEETAH.known_speed,
        published=published,
        bibtex="finn2017maml",
        references=references,
        finite_tasks=2,
        constant_observations=constant,
    )


def _body(
    name: str,
    *,
    summary: str,
    factors: tuple[str, ...],
    published: str,
    references: References | None = None,
    superseded_by: str | None = None,
) -> SuiteSpec:
    """Returns the spec of a version; the first ones are superseded, because they missed contacts."""
    meanings = {
        "mass": "of all masses and of the thickness",
        "damping": "of the joints",
        "head": "of the head's length",
    }
    return declare(
        name,
        CHEETAH,
        summary=summary,
        factory="CheetahBodyV1" if superseded_by else "CheetahBody",
        observation_size=17,
        parameters=tuple(
            Parameter(name=factor, unit="1", low=0.5, high=2.0, meaning=f"multiplier {meanings[factor]}")
            for factor in factors
        ),
        step_rewards=(
            -(CHEETAH.max_speed + CHEETAH_CONTROL_COST * 6) + LOWEST,
            CHEETAH.max_speed + HIGHEST,
        ),
        reachable_reward=CHEETAH.known_speed,
        published=published,
        bibtex="greenberg2023roml",
        references=references,
        superseded_by=superseded_by,
    )


# What the versions of a suite have in common.
_Shared = dict[str, Any]
_MASS: _Shared = {
    "summary": "half cheetah, run with a hidden mass",
    "factors": ("mass",),
    "published": "RoML's HalfCheetahMass, without the absolute position in the observation",
}
_BODY: _Shared = {
    "summary": "half cheetah, run with a hidden mass, damping and head",
    "factors": ("mass", "damping", "head"),
    "published": "RoML's HalfCheetahBody, without the absolute position in the observation",
}

CHEETAH_SPECS: tuple[SuiteSpec, ...] = (
    _velocity(
        "cheetah-velocity-v1",
        high=3.0,
        observation_size=17,
        published="PEARL's range and horizon, with ProMP's 17 observations (no absolute position)",
        references=best_run("locomotion/cheetah-velocity-v1", random=-351.4, expert=-24.5, runs=ORACLES),
    ),
    _velocity(
        "cheetah-velocity-wide-v1",
        high=7.0,
        observation_size=17,
        published="RoML's range, without the absolute position in the observation",
        references=best_run("locomotion/cheetah-velocity-wide-v1", random=-741.0, expert=-116.9, runs=ORACLE),
    ),
    _velocity(
        "cheetah-velocity-wide-obs20-v1",
        high=7.0,
        observation_size=20,
        published="RoML's HalfCheetahVel: 0-7 m/s and 20 observations that hold the absolute position",
        references=best_run(
            "locomotion/cheetah-velocity-wide-obs20-v1",
            random=-740.7,
            expert=-88.9,
            rules="paper/roml-cheetah-velocity-30m-v1, 30M steps, mean of both episodes",
            runs="varibad's seed 0",
        ),
    ),
    _direction(
        "cheetah-direction-v1",
        horizon=200,
        observation_size=17,
        published="ProMP's HalfCheetahRandDirec with PEARL's horizon of 200",
        references=best_run(
            "locomotion/cheetah-direction-v1",
            random=-23.1,
            expert=1272.5,
            runs="the best of varibad's seeds 0, 1 and 2",
        ),
    ),
    _direction(
        "cheetah-direction-h100-v1",
        horizon=100,
        observation_size=20,
        published="learn2learn's HalfCheetahForwardBackward: horizon 100 and 20 observations",
        references=best_run("locomotion/cheetah-direction-h100-v1", random=-10.8, expert=495.9, runs=ORACLE),
    ),
    _body(
        "cheetah-mass-v1",
        **_MASS,
        references=best_run("locomotion/cheetah-mass-v1", random=-59.3, expert=1216.6, runs=ORACLES),
        superseded_by="locomotion/cheetah-mass-v2",
    ),
    _body(
        "cheetah-mass-v2",
        **_MASS,
        references=best_run("locomotion/cheetah-mass-v2", random=-55.8, expert=1280.3, runs=ORACLES),
    ),
    _body(
        "cheetah-body-v1",
        **_BODY,
        references=best_run("locomotion/cheetah-body-v1", random=-56.1, expert=1108.8, runs=ORACLE),
        superseded_by="locomotion/cheetah-body-v2",
    ),
    _body(
        "cheetah-body-v2",
        **_BODY,
        references=best_run("locomotion/cheetah-body-v2", random=-57.0, expert=1095.2, runs=ORACLE),
    ),
)
