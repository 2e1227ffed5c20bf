"""The humanoid that stands: its posture is one that can be held, and feedback is what holds it."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest

from metarl_bench.registry import make_suite
from metarl_suites.locomotion.balance import SUITE, Balance
from metarl_suites.locomotion.models import load
from metarl_suites.locomotion.robots import HUMANOID


@pytest.fixture(scope="module")
def balance() -> Balance:
    return Balance()


def test_the_controls_hold_the_posture(balance: Balance) -> None:
    model = load(HUMANOID.asset)
    data = mujoco.MjData(model)
    data.qpos[:], data.ctrl[:] = balance.posture, balance.controls
    mujoco.mj_forward(model, data)
    assert np.abs(data.qacc).max() < 0.1  # m/s2 and rad/s2
    feet = 0.5 * (data.geom("left_foot").xpos + data.geom("right_foot").xpos)
    assert data.subtree_com[1, :2] == pytest.approx(feet[:2], abs=1e-3)
    assert np.abs(balance.controls).max() < HUMANOID.control_scale


def test_it_is_feedback_that_keeps_the_robot_on_its_feet(balance: Balance) -> None:
    suite = make_suite(SUITE)
    tasks = suite.tasks("validation")[:10]
    held = np.tile(balance.controls / HUMANOID.control_scale, (len(tasks), 1))
    stood = {}
    for feedback in (True, False):
        worlds = suite.make_worlds(len(tasks), num_threads=1)
        worlds.set_tasks(tasks)
        observations, _ = worlds.reset(seed=list(range(1000, 1000 + len(tasks))))
        stood[feedback] = np.zeros(len(tasks))
        for _ in range(suite.spec.horizon):
            observations, *_, infos = worlds.step(balance.act(observations) if feedback else held)
            stood[feedback] += infos["active"]
        worlds.close()
    assert (stood[True] == suite.spec.horizon).all()
    assert (stood[False] < 0.6 * suite.spec.horizon).all()
