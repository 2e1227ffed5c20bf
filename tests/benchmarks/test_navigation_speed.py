"""Cars in worlds of their own against MuJoCo's limit for the same models, and against half cheetahs."""

from __future__ import annotations

from typing import Any

import mujoco
import numpy as np
from mujoco.rollout import Rollout

import metarl_bench as mb
from metarl_bench.worlds import Worlds
from metarl_suites.navigation.cars import TORQUE
from metarl_suites.navigation.worlds import SUBSTEPS
from tests.benchmarks.rounds import Contender, Rounds, judged, stepping, write

THREADS = 2
WORLDS = 256
BEFORE = 100  # environment steps before the limit is measured: by then, cars are where closed loops meet them
STEPS = 10  # environment steps of one contender in one round
ROUNDS = 5
CHEETAH = "locomotion/cheetah-velocity-v1"
NAMES = ("vehicle-v3", "weather-v2", "city-v2", "sparse-v3", "traffic-v2")
SUITES = tuple(f"navigation/drive-{name}" for name in NAMES)


def with_tasks(suite_id: str) -> Worlds:
    """As many worlds as tasks, and so as models."""
    suite = mb.make_suite(suite_id)
    worlds = suite.make_worlds(WORLDS, num_threads=THREADS)
    worlds.set_tasks(suite.sample_tasks(WORLDS, np.random.default_rng(0)))
    worlds.reset(seed=0)
    return worlds


def limit(suite_id: str) -> Contender:
    """Open loop: MuJoCo drives the same cars without coming back to Python."""
    worlds = with_tasks(suite_id)
    for action in np.random.default_rng(1).uniform(-1.0, 1.0, (BEFORE, WORLDS, 2)):
        worlds.step(action)
    scenes = [worlds.scene(world) for world in range(WORLDS)]
    models = [model for model, _ in scenes]
    size = mujoco.mj_stateSize(models[0], mujoco.mjtState.mjSTATE_FULLPHYSICS)
    initial = np.zeros((WORLDS, size))
    for row, (model, data) in zip(initial, scenes, strict=True):
        mujoco.mj_getState(model, data, row, mujoco.mjtState.mjSTATE_FULLPHYSICS)
    pool, datas = Rollout(nthread=THREADS), [mujoco.MjData(models[0]) for _ in range(THREADS)]
    controls = np.zeros((WORLDS, STEPS * SUBSTEPS, models[0].nu))
    actions = np.repeat(np.random.default_rng(0).uniform(-1.0, 1.0, (WORLDS, STEPS, 2)), SUBSTEPS, axis=1)
    controls[..., :2] = 0.6 * actions[..., :1]
    controls[..., 2] = TORQUE * np.maximum(actions[..., 1], -0.5)

    def run() -> float:
        pool.rollout(models, datas, initial, controls, skip_checks=True, nstep=STEPS * SUBSTEPS)
        return WORLDS * STEPS

    return run


def closed_loop(suite_id: str) -> Contender:
    """Our worlds: rays, observation, reward, flags and resets at every step."""
    worlds = with_tasks(suite_id)
    size = worlds.suite.action_space.shape[0]
    actions = np.random.default_rng(0).uniform(-1.0, 1.0, (STEPS, WORLDS, size))
    return stepping(worlds, actions, resets=True)


def test_cars_against_the_limit_and_half_cheetahs(benchmark: Any) -> None:
    contenders: dict[str, Contender] = {"half cheetahs": closed_loop(CHEETAH)}
    for suite_id in SUITES:
        contenders[f"limit, {suite_id}"] = limit(suite_id)
        contenders[suite_id] = closed_loop(suite_id)
    rounds = Rounds(contenders)
    benchmark.pedantic(rounds.run, rounds=ROUNDS)
    rows = [_row(rounds, suite_id) for suite_id in SUITES]
    benchmark.extra_info["ratios"] = rows
    write(
        "navigation",
        f"Navigation: {WORLDS} worlds, each with a model of its own, {THREADS} threads",
        rows,
        rounds=ROUNDS,
    )
    assert all(row["steps/s"] > 0 for row in rows)


def _row(rounds: Rounds, suite_id: str) -> dict[str, Any]:
    ratio = round(rounds.ratio(suite_id, f"limit, {suite_id}"), 2)
    cost = round(rounds.ratio("half cheetahs", suite_id), 2)
    return {
        "suite": suite_id,
        "ratio to the limit": ratio,
        **judged(ratio, ">=", 0.8),
        "a step costs, half cheetah steps": cost,
        **judged(cost, "<=", 5, of=" of the cost"),
        "steps/s": round(rounds.median(suite_id)),
    }
