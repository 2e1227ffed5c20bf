"""What random play and Meta-World's scripted experts get on the test tasks, as ``experts.py`` measures it."""

from __future__ import annotations

from typing import NamedTuple

from metarl_bench.tasks import References


class Measured(NamedTuple):
    """Means over all test tasks of a suite.

    Attributes:
        random: Return of uniformly random actions.
        expert: Return of the scripted experts, which see the goal.
        success: Share of the experts' episodes in which any step was a success.
    """

    random: float
    expert: float
    success: float


# Rows as `python -m metarl_suites.manipulation.experts` prints them.
MEASURED: dict[str, Measured] = {
    "manipulation/ml1-assembly-v1": Measured(223.7, 4308.8, 1.000),
    "manipulation/ml1-basketball-v1": Measured(11.1, 4202.8, 1.000),
    "manipulation/ml1-bin-picking-v1": Measured(9.1, 3909.5, 1.000),
    "manipulation/ml1-box-close-v1": Measured(309.2, 2899.6, 0.860),
    "manipulation/ml1-button-press-topdown-v1": Measured(182.7, 3794.6, 1.000),
    "manipulation/ml1-button-press-topdown-wall-v1": Measured(304.8, 2108.4, 1.000),
    "manipulation/ml1-button-press-v1": Measured(190.8, 562.4, 1.000),
    "manipulation/ml1-button-press-wall-v1": Measured(67.2, 4115.7, 0.960),
    "manipulation/ml1-coffee-button-v1": Measured(177.2, 502.1, 1.000),
    "manipulation/ml1-coffee-pull-v1": Measured(22.7, 4257.5, 1.000),
    "manipulation/ml1-coffee-push-v1": Measured(24.5, 2961.5, 1.000),
    "manipulation/ml1-dial-turn-v1": Measured(109.6, 4045.0, 1.000),
    "manipulation/ml1-disassemble-v1": Measured(182.5, 3651.1, 0.960),
    "manipulation/ml1-door-close-v1": Measured(41.4, 4462.3, 1.000),
    "manipulation/ml1-door-lock-v1": Measured(633.2, 3445.0, 1.000),
    "manipulation/ml1-door-open-v1": Measured(288.4, 4321.0, 0.940),
    "manipulation/ml1-door-unlock-v1": Measured(481.6, 3381.4, 1.000),
    "manipulation/ml1-drawer-close-v1": Measured(948.6, 4247.5, 1.000),
    "manipulation/ml1-drawer-open-v1": Measured(613.6, 4035.5, 1.000),
    "manipulation/ml1-faucet-close-v1": Measured(1320.5, 3680.1, 1.000),
    "manipulation/ml1-faucet-open-v1": Measured(1312.8, 4119.9, 1.000),
    "manipulation/ml1-hammer-v1": Measured(470.8, 2526.2, 1.000),
    "manipulation/ml1-hand-insert-v1": Measured(17.0, 4410.8, 1.000),
    "manipulation/ml1-handle-press-side-v1": Measured(317.6, 1129.5, 1.000),
    "manipulation/ml1-handle-press-v1": Measured(413.9, 1268.2, 1.000),
    "manipulation/ml1-handle-pull-side-v1": Measured(10.3, 3095.6, 1.000),
    "manipulation/ml1-handle-pull-v1": Measured(43.4, 3996.3, 1.000),
    "manipulation/ml1-lever-pull-v1": Measured(259.1, 769.2, 1.000),
    "manipulation/ml1-peg-insert-side-v1": Measured(8.0, 3546.5, 0.880),
    "manipulation/ml1-peg-unplug-side-v1": Measured(34.4, 1144.9, 0.980),
    "manipulation/ml1-pick-out-of-hole-v1": Measured(7.3, 3414.4, 1.000),
    "manipulation/ml1-pick-place-v1": Measured(6.8, 4404.9, 1.000),
    "manipulation/ml1-pick-place-wall-v1": Measured(0.0, 4202.4, 1.000),
    "manipulation/ml1-plate-slide-back-side-v1": Measured(153.1, 1152.0, 1.000),
    "manipulation/ml1-plate-slide-back-v1": Measured(131.6, 1168.6, 1.000),
    "manipulation/ml1-plate-slide-side-v1": Measured(114.2, 2922.2, 1.000),
    "manipulation/ml1-plate-slide-v1": Measured(290.6, 4539.3, 1.000),
    "manipulation/ml1-push-back-v1": Measured(5.7, 382.8, 1.000),
    "manipulation/ml1-push-v1": Measured(20.6, 3984.6, 1.000),
    "manipulation/ml1-push-wall-v1": Measured(23.7, 4328.3, 1.000),
    "manipulation/ml1-reach-v1": Measured(863.4, 4839.3, 1.000),
    "manipulation/ml1-reach-wall-v1": Measured(835.0, 4804.4, 1.000),
    "manipulation/ml1-shelf-place-v1": Measured(0.0, 2451.0, 0.940),
    "manipulation/ml1-soccer-v1": Measured(28.7, 2759.3, 0.860),
    "manipulation/ml1-stick-pull-v1": Measured(11.0, 746.6, 0.900),
    "manipulation/ml1-stick-push-v1": Measured(11.9, 1141.6, 1.000),
    "manipulation/ml1-sweep-into-v1": Measured(45.7, 1877.6, 0.900),
    "manipulation/ml1-sweep-v1": Measured(50.1, 4372.2, 1.000),
    "manipulation/ml1-window-close-v1": Measured(306.1, 3624.6, 1.000),
    "manipulation/ml1-window-open-v1": Measured(224.1, 2117.2, 1.000),
    "manipulation/ml10-v1": Measured(194.2, 2808.2, 0.972),
    "manipulation/ml25-v1": Measured(56.4, 3170.2, 0.984),
    "manipulation/ml45-v1": Measured(281.5, 3570.2, 0.980),
    "manipulation/objects-v1": Measured(6.8, 4316.9, 0.977),
}


def episodes_of(suite_id: str) -> int:
    """Returns how many episodes of each test task are measured: Meta-World's depend on the task alone."""
    return 10 if suite_id == "manipulation/objects-v1" else 1


def references(suite_id: str) -> References:
    """Returns the references of a suite, with how they were measured."""
    found, episodes = MEASURED[suite_id], episodes_of(suite_id)
    each = "one episode" if episodes == 1 else f"{episodes} episodes"
    return References(
        random=found.random,
        expert=found.expert,
        random_source=f"metarl_bench.testing.random_return('{suite_id}', episodes={episodes})",
        expert_source=f"python -m metarl_suites.manipulation.experts {suite_id}: Meta-World's scripted experts, which "
        f"see the goal, {each} of each test task; success {found.success:.3f}",
    )
