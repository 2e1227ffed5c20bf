"""The suites of walker and hopper, whose parts vary one by one."""

from __future__ import annotations

from metarl_bench.tasks import Parameter, References, SuiteSpec
from metarl_suites.locomotion.declare import ORACLE, best_run, declare
from metarl_suites.locomotion.rewards import WALKER_ALIVE
from metarl_suites.locomotion.robots import HOPPER, WALKER, Robot

# 1; upper ends of the multipliers: 1.5^3, and 1.3^3 of damping. The lower ends are their inverses.
_HIGH, _HIGH_DAMPING = 3.375, 2.197


def _parameters(
    name: str,
    robot: Robot,
    *,
    factory: str,
    sides: tuple[str, ...],
    published: str,
    references: References | None = None,
) -> SuiteSpec:
    """Returns the spec of a planar robot whose parts are multiplied one by one."""
    limbs = tuple(f"{limb}{side}" for side in sides for limb in ("thigh", "leg", "foot"))
    feet = tuple(f"foot{side}" for side in sides)
    groups = (
        ("mass", ("torso", *limbs), _HIGH),
        ("inertia", ("torso", *limbs), _HIGH),
        ("friction", ("floor", *feet), _HIGH),
        ("damping", limbs, _HIGH_DAMPING),
    )
    return declare(
        name,
        robot,
        summary=f"{robot.asset}, run with hidden masses, inertias, frictions and damping",
        factory=factory,
        observation_size=17 if robot is WALKER else 11,
        parameters=tuple(
            Parameter(
                name=f"{kind}_{part}",
                unit="1",
                low=round(1.0 / high, 6),
                high=high,
                meaning=f"multiplier of its {kind}",
            )
            for kind, parts, high in groups
            for part in parts
        ),
        # The bonus outweighs any effort.
        step_rewards=(-robot.max_speed, robot.max_speed + WALKER_ALIVE),
        reachable_reward=robot.known_speed + WALKER_ALIVE,
        published=published,
        references=references,
        bibtex="rothfuss2019promp",
    )


PARAMS_SPECS: tuple[SuiteSpec, ...] = (
    _parameters(
        "walker-params-v1",
        WALKER,
        factory="WalkerParameters",
        sides=("", "_left"),
        published="Walker2DRandParams of rand_param_envs (ProMP, PEARL), on the body of Gymnasium's Walker2d-v5",
        references=best_run("locomotion/walker-params-v1", random=4.1, expert=408.1, runs=ORACLE),
    ),
    _parameters(
        "hopper-params-v1",
        HOPPER,
        factory="HopperParameters",
        sides=("",),
        published="HopperRandParams of rand_param_envs (ProMP, PEARL), on the body of Gymnasium's Hopper-v5",
        references=best_run("locomotion/hopper-params-v1", random=17.7, expert=418.7, runs=ORACLE),
    ),
)
