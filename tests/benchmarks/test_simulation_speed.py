"""Closed-loop simulation against MuJoCo's own limit and against Gymnasium's vector environments."""

from __future__ import annotations

import copy
import importlib.util
from collections.abc import Callable
from typing import Any

import gymnasium
import mujoco
import numpy as np
from mujoco.rollout import Rollout
from numpy.typing import NDArray

import metarl_bench as mb
from metarl_bench.worlds import Worlds
from metarl_suites.locomotion.models import load
from metarl_suites.locomotion.robots import CHEETAH
from metarl_suites.locomotion.suite import LeggedSuite
from tests.benchmarks.rounds import Contender, Rounds, compared, stepping, write

THREADS = 2
STEPS = 20_000  # environment steps of one contender in one round
ROUNDS = 25  # more than elsewhere: single ratios scatter by a tenth where neighbours share the machine
SUITE = "locomotion/cheetah-velocity-v1"
BODIES = "locomotion/cheetah-body-v2"  # every world has a model of its own
TERRAINS = "locomotion/terrain-cheetah-v1"  # and a ground of 5 to 48 boxes
FULL = mujoco.mjtState.mjSTATE_FULLPHYSICS
Array = NDArray[np.float64]


def limit(models: list[mujoco.MjModel]) -> Contender:
    """Open loop: MuJoCo runs whole trajectories without coming back to Python."""
    steps = STEPS // len(models)
    roll = _rollout(models, steps)
    initial, actions = _start(models), _actions(models, steps)

    def run() -> float:
        roll(initial, actions)
        return len(models) * steps

    return run


def step_by_step(models: list[mujoco.MjModel]) -> Contender:
    """MuJoCo's own pool, called once an environment step: what a closed loop can reach that does nothing else."""
    steps = STEPS // len(models)
    roll = _rollout(models, 1)
    initial, actions = _start(models), _actions(models, steps)

    def run() -> float:
        state = initial
        for step in range(steps):
            state = roll(state, actions[:, step : step + 1])
        return len(models) * steps

    return run


def _rollout(models: list[mujoco.MjModel], steps: int) -> Callable[[Array, Array], Array]:
    """Returns what takes states [worlds, state] some environment steps on, under actions [worlds, steps, action]."""
    model = max(models, key=lambda model: model.ngeom)  # data for the largest do for all
    num_worlds, substeps = len(models), steps * CHEETAH.frame_skip
    pool, datas = Rollout(nthread=THREADS), [mujoco.MjData(model) for _ in range(THREADS)]
    states = np.zeros((num_worlds, substeps, mujoco.mj_stateSize(model, FULL)))
    sensors = np.zeros((num_worlds, substeps, model.nsensordata))

    def roll(start: Array, actions: Array) -> Array:
        controls = np.repeat(actions, CHEETAH.frame_skip, axis=1)
        pool.rollout(models, datas, start, controls, skip_checks=True, nstep=substeps, state=states, sensordata=sensors)
        return states[:, -1].copy()

    return roll


def _start(models: list[mujoco.MjModel]) -> Array:
    start = np.zeros(mujoco.mj_stateSize(models[0], FULL))
    mujoco.mj_getState(models[0], mujoco.MjData(models[0]), start, FULL)
    return np.repeat(start[None], len(models), axis=0)


def _actions(models: list[mujoco.MjModel], steps: int) -> Array:
    return np.random.default_rng(0).uniform(-1, 1, (len(models), steps, models[0].nu))


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
    contenders["limit, 64 worlds"] = limit([load(CHEETAH.asset)] * 64)
    contenders["metarl-bench, 64 worlds"] = closed_loop(64)
    for what, models, suite_id in (
        ("256 worlds", [load(CHEETAH.asset)] * 256, SUITE),
        ("256 bodies", bodies(256), BODIES),
        ("256 terrains", terrains(256), TERRAINS),
    ):
        contenders[f"limit, {what}"] = limit(models)
        contenders[f"step by step, {what}"] = step_by_step(models)
        contenders[f"metarl-bench, {what}"] = closed_loop(256, suite_id)
    contenders["gymnasium sync, 64 worlds"] = gymnasium_loop(64, "sync")
    contenders["gymnasium async, 8 worlds"] = gymnasium_loop(8, "async")
    if importlib.util.find_spec("envpool"):
        import envpool

        envs = envpool.make_gymnasium("HalfCheetah-v4", num_envs=64, num_threads=THREADS, max_episode_steps=200)
        contenders["envpool sync, 64 worlds"] = _loop(envs, 64, resets=False)
    rounds = Rounds(contenders)
    benchmark.pedantic(rounds.run, rounds=ROUNDS)
    rows = [
        _row(rounds, "metarl-bench, 256 worlds", "limit, 256 worlds", 0.9),
        _row(rounds, "metarl-bench, 64 worlds", "limit, 64 worlds", 0.8),
        _row(rounds, "metarl-bench, 256 bodies", "limit, 256 bodies", 0.85),
        _row(rounds, "metarl-bench, 256 terrains", "limit, 256 terrains", 0.85),
        *(_row(rounds, f"step by step, 256 {what}", f"limit, 256 {what}") for what in ("worlds", "bodies", "terrains")),
        _row(rounds, "metarl-bench, 64 worlds", "gymnasium sync, 64 worlds", 2.5),
        _row(rounds, "metarl-bench, 64 worlds", "gymnasium async, 8 worlds", 5.0),
    ]
    if "envpool sync, 64 worlds" in contenders:
        rows.append(_row(rounds, "metarl-bench, 64 worlds", "envpool sync, 64 worlds"))
    benchmark.extra_info["ratios"] = rows
    title = f"Simulation: {SUITE}, {THREADS} threads; step by step: mujoco.rollout, called once an environment step"
    write("simulation", title, rows, rounds=ROUNDS)
    assert all(row["ratio"] > 0 for row in rows)


def _row(rounds: Rounds, name: str, other: str, least: float | None = None) -> dict[str, Any]:
    return {"what": name, **compared(rounds, name, other, least)}
