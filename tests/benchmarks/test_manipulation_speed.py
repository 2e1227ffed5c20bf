"""Meta-World's tasks against the limit of their physics and against Meta-World's own vector environments."""

from __future__ import annotations

import statistics
import time
from typing import Any

import gymnasium
import metaworld
import mujoco
import numpy as np

import metarl_bench as mb
from metarl_suites.crew import Crew
from metarl_suites.manipulation.environments import light_model
from metarl_suites.manipulation.suite import goal_of
from tests.benchmarks.rounds import Contender, Rounds, judged, stepping, write

THREADS = 2
STEPS = 4_000  # environment steps of one contender in one round
ROUNDS = 5
AIMS = {"limit": 0.6, "make_vec sync": 4.0}  # least ratios
FRAME_SKIP = 5
CASES = {"manipulation/ml10-v1": 20} | {f"manipulation/ml1-{kind}-v1": 25 for kind in ("reach", "push", "pick-place")}


def limit(suite_id: str, num_worlds: int) -> Contender:
    """Only physics of Meta-World's own models: substeps, and what its step computes from the state after them."""
    suite = mb.make_suite(suite_id)
    tasks = suite.sample_tasks(num_worlds, np.random.default_rng(0))
    worlds = [_library_world(*goal_of(suite.spec, task)) for task in tasks]
    crew = Crew(THREADS)
    steps = STEPS // num_worlds
    moves = np.random.default_rng(0).uniform(-0.01, 0.01, (steps, num_worlds, 3))

    def run() -> float:
        for move in moves:

            def share(thread: int, part: slice) -> None:
                for place in range(part.start, part.stop):
                    model, data = worlds[place]
                    data.mocap_pos += move[place]  # noqa: B023 - used within this step only
                    mujoco.mj_step(model, data, FRAME_SKIP)
                    mujoco.mj_forward(model, data)

            crew.run(share, num_worlds)
        return num_worlds * steps

    return run


def _library_world(kind: str, vector: np.ndarray) -> tuple[Any, Any]:
    env = metaworld.env_dict.ALL_V3_ENVIRONMENTS[f"{kind}-v3"]()
    env._set_task_called = True
    env._last_rand_vec = vector
    env.reset()
    return env.model, env.data


def ours(suite_id: str, num_worlds: int) -> Contender:
    """Our worlds: observation, reward, success and resets."""
    suite = mb.make_suite(suite_id)
    worlds = suite.make_worlds(num_worlds, num_threads=THREADS)
    worlds.set_tasks(suite.sample_tasks(num_worlds, np.random.default_rng(0)))
    return _loop(worlds, num_worlds, resets=True)


def library(suite_id: str, num_worlds: int, mode: str) -> Contender:
    """Meta-World's own vector environment of the same benchmark."""
    name = suite_id.removeprefix("manipulation/").removesuffix("-v1")
    options: dict[str, Any] = {"seed": 1, "meta_batch_size": num_worlds, "vector_strategy": mode}
    if name.startswith("ml1-"):
        envs = gymnasium.make_vec("Meta-World/ML1-train", env_name=f"{name.removeprefix('ml1-')}-v3", **options)
    else:
        envs = gymnasium.make_vec(f"Meta-World/{name.upper()}-train", **options)
    envs.call("sample_tasks")
    return _loop(envs, num_worlds, resets=False)


def _loop(envs: Any, num_worlds: int, *, resets: bool) -> Contender:
    actions = np.random.default_rng(0).uniform(-1, 1, (STEPS // num_worlds, num_worlds, 4)).astype(np.float32)
    return stepping(envs, actions, resets=resets)


def test_worlds_against_the_limit_and_the_library(benchmark: Any) -> None:
    contenders: dict[str, Contender] = {}
    for suite_id, num_worlds in CASES.items():
        contenders[f"{suite_id}, limit"] = limit(suite_id, num_worlds)
        contenders[f"{suite_id}, metarl-bench"] = ours(suite_id, num_worlds)
    contenders["manipulation/ml10-v1, make_vec async"] = library("manipulation/ml10-v1", 20, "async")
    for suite_id, num_worlds in CASES.items():
        contenders[f"{suite_id}, make_vec sync"] = library(suite_id, num_worlds, "sync")
    rounds = Rounds(contenders)
    benchmark.pedantic(rounds.run, rounds=ROUNDS)
    rows = [_row(rounds, suite_id, other, least) for suite_id in CASES for other, least in AIMS.items()]
    rows.append(_row(rounds, "manipulation/ml10-v1", "make_vec async", 4.0))
    benchmark.extra_info["ratios"] = rows
    write("manipulation", f"Manipulation, {THREADS} threads", rows, rounds=ROUNDS)
    assert all(row["ratio"] > 0 for row in rows)


def test_construction_and_resets(benchmark: Any) -> None:
    suite = mb.make_suite("manipulation/ml10-v1")
    tasks = suite.tasks("train")[::25]
    seconds: dict[str, list[float]] = {"construct": [], "reset": []}

    def run() -> None:
        light_model.cache_clear()
        begun = time.perf_counter()
        worlds = suite.make_worlds(len(tasks), num_threads=THREADS)
        worlds.set_tasks(tasks)
        seconds["construct"].append(time.perf_counter() - begun)
        worlds.reset(seed=0)
        begun = time.perf_counter()
        for _ in range(100):
            worlds.reset()
        seconds["reset"].append((time.perf_counter() - begun) / (100 * len(tasks)))
        worlds.close()

    benchmark.pedantic(run, rounds=ROUNDS)
    rows = [
        _seconds("20 worlds of ML10 with their models", seconds["construct"], 2.0),
        _seconds("reset of a world from the cache", seconds["reset"], 1e-4),
    ]
    write("manipulation-resets", "Manipulation, construction and resets", rows, rounds=ROUNDS)
    assert all(row["seconds"] > 0 for row in rows)


def _seconds(what: str, measured: list[float], most: float) -> dict[str, Any]:
    seconds = float(f"{statistics.median(measured):.3g}")
    return {"what": what, "seconds": seconds, **judged(seconds, "<=", most)}


def _row(rounds: Rounds, suite_id: str, other: str, least: float) -> dict[str, Any]:
    name, against = f"{suite_id}, metarl-bench", f"{suite_id}, {other}"
    ratio = round(rounds.ratio(name, against), 2)
    return {
        "what": suite_id,
        "against": other,
        "ratio": ratio,
        **judged(ratio, ">=", least),
        "steps/s": round(rounds.median(name)),
        "steps/s of the other": round(rounds.median(against)),
    }
