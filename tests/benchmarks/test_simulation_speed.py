"""Closed-loop simulation against MuJoCo's own limit and against Gymnasium's vector environments."""

from __future__ import annotations

import copy
import importlib.util
from typing import Any

import gymnasium
import mujoco
import numpy as np
from mujoco.rollout import Rollout

import metarl_bench as mb
from metarl_bench.worlds import Worlds
from metarl_suites.locomotion.models import load
from metarl_suites.locomotion.robots import CHEETAH
from metarl_suites.locomotion.suite import LeggedSuite
from tests.benchmarks.rounds import Contender, Rounds, stepping, write

THREADS = 2
STEPS = 20_000  # environment steps of one contender in one round
ROUNDS = 11
SUITE = "locomotion/cheetah-velocity-v1"
BODIES = "locomotion/cheetah-body-v1"  # every world has a model of its own
TERRAINS = "locomotion/terrain-cheetah-v1"  # and a ground of 48 boxes


def limit(models: list[mujoco.MjModel]) -> Contender:
    """Open loop: MuJoCo runs whole trajectories without coming back to Python."""
    model, num_worlds = models[0], len(models)
    steps = STEPS // num_worlds
    pool, datas = Rollout(nthread=THREADS), [mujoco.MjData(model) for _ in range(THREADS)]
    size = mujoco.mj_stateSize(model, mujoco.mjtState.mjSTATE_FULLPHYSICS)
    start = np.zeros(size)
    mujoco.mj_getState(model, mujoco.MjData(model), start, mujoco.mjtState.mjSTATE_FULLPHYSICS)
    initial = np.repeat(start[None], num_worlds, axis=0)
    actions = np.random.default_rng(0).uniform(-1, 1, (num_worlds, steps, model.nu))
    controls = np.repeat(actions, CHEETAH.frame_skip, axis=1)
    states = np.zeros((num_worlds, steps * CHEETAH.frame_skip, size))
    sensors = np.zeros((num_worlds, steps * CHEETAH.frame_skip, model.nsensordata))

    def run() -> float:
        pool.rollout(
            models,
            datas,
            initial,
            controls,
            skip_checks=True,
            nstep=steps * CHEETAH.frame_skip,
            state=states,
            sensordata=sensors,
        )
        return num_worlds * steps

    return run


def bodies(num_worlds: int) -> list[mujoco.MjModel]:
    """The models of as many cheetah bodies."""
    suite = mb.make_suite(BODIES)
    assert isinstance(suite, LeggedSuite)
    assert suite.definition.edit is not None
    base = load(CHEETAH.asset)
    models = [copy.copy(base) for _ in range(num_worlds)]
    for model, task in zip(models, suite.sample_tasks(num_worlds, np.random.default_rng(0)), strict=True):
        suite.definition.edit(model, base, task)
        mujoco.mj_setConst(model, mujoco.MjData(base))
    return models


def terrains(num_worlds: int) -> list[mujoco.MjModel]:
    """The models of as many grounds under the cheetah."""
    worlds = _with_tasks(TERRAINS, num_worlds)
    return [worlds.scene(world)[0] for world in range(num_worlds)]


def closed_loop(num_worlds: int, suite_id: str = SUITE) -> Contender:
    """Our worlds: observation, reward, flags and resets at every step."""
    return _loop(_with_tasks(suite_id, num_worlds), num_worlds, resets=True)


def _with_tasks(suite_id: str, num_worlds: int) -> Worlds:
    suite = mb.make_suite(suite_id)
    worlds = suite.make_worlds(num_worlds, num_threads=THREADS)
    worlds.set_tasks(suite.sample_tasks(num_worlds, np.random.default_rng(0)))
    return worlds


def gymnasium_loop(num_worlds: int, mode: str) -> Contender:
    """Gymnasium's HalfCheetah-v5 with the same horizon."""
    envs = gymnasium.make_vec("HalfCheetah-v5", num_envs=num_worlds, vectorization_mode=mode, max_episode_steps=200)
    return _loop(envs, num_worlds, resets=False)


def _loop(envs: Any, num_worlds: int, *, resets: bool) -> Contender:
    actions = np.random.default_rng(0).uniform(-1, 1, (STEPS // num_worlds, num_worlds, 6)).astype(np.float32)
    return stepping(envs, actions, resets=resets)


def test_closed_loop_against_the_limit_and_gymnasium(benchmark: Any) -> None:
    contenders: dict[str, Contender] = {}
    for worlds in (64, 256):
        contenders[f"limit, {worlds} worlds"] = limit([load(CHEETAH.asset)] * worlds)
        contenders[f"metarl-bench, {worlds} worlds"] = closed_loop(worlds)
    contenders["limit, 256 bodies"] = limit(bodies(256))
    contenders["metarl-bench, 256 bodies"] = closed_loop(256, BODIES)
    contenders["limit, 256 terrains"] = limit(terrains(256))
    contenders["metarl-bench, 256 terrains"] = closed_loop(256, TERRAINS)
    contenders["gymnasium sync, 64 worlds"] = gymnasium_loop(64, "sync")
    contenders["gymnasium async, 8 worlds"] = gymnasium_loop(8, "async")
    if importlib.util.find_spec("envpool"):
        import envpool

        envs = envpool.make_gymnasium("HalfCheetah-v4", num_envs=64, num_threads=THREADS, max_episode_steps=200)
        contenders["envpool sync, 64 worlds"] = _loop(envs, 64, resets=False)
    rounds = Rounds(contenders)
    benchmark.pedantic(rounds.run, rounds=ROUNDS)
    rows = [
        _row(rounds, "metarl-bench, 256 worlds", "limit, 256 worlds", ">= 0.90"),
        _row(rounds, "metarl-bench, 64 worlds", "limit, 64 worlds", ">= 0.80"),
        _row(rounds, "metarl-bench, 256 bodies", "limit, 256 bodies", ">= 0.85"),
        _row(rounds, "metarl-bench, 256 terrains", "limit, 256 terrains", ">= 0.85"),
        _row(rounds, "metarl-bench, 64 worlds", "gymnasium sync, 64 worlds", ">= 2.5"),
        _row(rounds, "metarl-bench, 64 worlds", "gymnasium async, 8 worlds", ">= 5"),
    ]
    if "envpool sync, 64 worlds" in contenders:
        rows.append(_row(rounds, "metarl-bench, 64 worlds", "envpool sync, 64 worlds", "-"))
    benchmark.extra_info["ratios"] = rows
    write("simulation", f"Simulation: {SUITE}, {THREADS} threads", rows, rounds=ROUNDS)
    assert all(row["ratio"] > 0 for row in rows)


def _row(rounds: Rounds, name: str, other: str, aim: str) -> dict[str, Any]:
    return {
        "what": name,
        "against": other,
        "ratio": round(rounds.ratio(name, other), 2),
        "aim": aim,
        "steps/s": round(rounds.median(name)),
        "steps/s of the other": round(rounds.median(other)),
    }
