"""Physics and rewards of every version stay what they are, superseded ones too, whose results are committed."""

from __future__ import annotations

import numpy as np
import pytest

from metarl_bench.registry import SUITES, make_suite

STEPS = 80
# What four worlds are paid in that many steps. Other numbers need a new version of the suite, never new ones here.
PAID = {
    "locomotion/ant-cripple-v1": (3.685364, 2.403741, 0.092897, 6.667009),
    "locomotion/ant-direction-v1": (-88.173989, -110.304708, -54.588546, -54.996754),
    "locomotion/ant-goal-v1": (-287.282272, -374.638368, -242.41856, -345.716062),
    "locomotion/cheetah-body-v1": (-24.145718, -31.056428, -19.672553, -22.79901),
    "locomotion/cheetah-body-v2": (-24.464649, -31.281544, -19.868548, -22.856274),
    "locomotion/cheetah-direction-h100-v1": (-13.921807, -2.988948, -13.717639, -11.734386),
    "locomotion/cheetah-direction-v1": (-13.921807, -2.988948, -13.717639, -11.734386),
    "locomotion/cheetah-mass-v1": (-24.826715, -30.932379, -20.862913, -22.392047),
    "locomotion/cheetah-mass-v2": (-24.826715, -30.876545, -20.862913, -22.392047),
    "locomotion/cheetah-velocity-v1": (-249.737257, -230.988948, -234.606203, -223.734386),
    "locomotion/cheetah-velocity-wide-obs20-v1": (-564.403923, -534.988948, -527.939536, -506.401053),
    "locomotion/cheetah-velocity-wide-v1": (-564.403923, -534.988948, -527.939536, -506.401053),
    "locomotion/hopper-params-v1": (14.047199, 6.786327, 38.718065, 38.565929),
    "locomotion/humanoid-direction-v1": (316.704819, 298.548561, 115.40106, 132.609631),
    "locomotion/terrain-ant-sighted-v1": (62.475385, 59.664919, 62.347552, 64.76053),
    "locomotion/terrain-ant-v1": (62.475385, 59.664919, 62.347552, 64.76053),
    "locomotion/terrain-cheetah-sighted-v1": (65.885291, 76.858225, 65.991526, 68.278593),
    "locomotion/terrain-cheetah-v1": (65.885291, 76.858225, 65.991526, 68.278593),
    "locomotion/terrain-walker-sighted-v1": (-3.740548, 115.705606, -3.76959, -3.372169),
    "locomotion/terrain-walker-v1": (-3.740548, 115.384861, -3.76959, -3.372169),
    "locomotion/walker-params-v1": (-11.305745, 105.868301, -12.958521, 0.519546),
    "navigation/drive-city-v1": (0.608128, -2.490181, 0.682416, -0.368978),
    "navigation/drive-city-v2": (0.542645, -2.592091, 0.160416, -0.433905),
    "navigation/drive-sparse-v1": (0.0, 0.0, 9.18, 0.0),
    "navigation/drive-sparse-v2": (0.0, 0.0, 0.0, 9.38),
    "navigation/drive-sparse-v3": (0.0, 0.0, 0.0, 9.38),
    "navigation/drive-traffic-v1": (3.079736, 0.315965, 0.891998, 3.52401),
    "navigation/drive-traffic-v2": (3.140506, 0.287807, 0.707517, 3.471522),
    "navigation/drive-vehicle-v1": (0.265602, -1.252331, -1.508374, -1.360229),
    "navigation/drive-vehicle-v2": (0.299051, -1.205986, -1.484062, 3.634231),
    "navigation/drive-vehicle-v3": (0.017950, -1.835831, -1.458487, 3.667058),
    "navigation/drive-weather-v1": (1.335459, -0.585239, 2.620999, 0.078605),
    "navigation/drive-weather-v2": (0.940291, -0.692416, 2.644143, -0.395346),
}


def test_every_version_is_pinned() -> None:
    assert {spec.id for spec in SUITES.all() if spec.family in ("locomotion", "navigation")} == set(PAID)


@pytest.mark.parametrize("suite_id", PAID)
def test_the_same_actions_are_paid_the_same_for_ever(suite_id: str) -> None:
    """An action a world, held for all steps; the last motor, or the throttle, at its most, so that cars crash."""
    suite = make_suite(suite_id)
    listed = suite.tasks("test")
    actions = np.random.default_rng(0).uniform(-1.0, 1.0, (4, *suite.spec.action_space.shape))
    actions[:, -1] = 1.0
    worlds = suite.make_worlds(4, num_threads=1)
    worlds.set_tasks([listed[-1 - index % len(listed)] for index in range(4)])
    worlds.reset(seed=[0, 1, 2, 3])
    paid = np.sum([worlds.step(actions)[1] for _ in range(STEPS)], axis=0)
    worlds.close()
    # Another processor may round otherwise.
    assert paid == pytest.approx(PAID[suite_id], rel=1e-4, abs=1e-4)
