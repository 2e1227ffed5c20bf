"""Meta-World's tasks against the limit of their physics and against Meta-World's own vector environments."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from contextlib import ExitStack
from typing import Any

import gymnasium
import mujoco
import numpy as np
from numpy.typing import NDArray

import metarl_bench as mb
from metarl_bench.tasks import Suite, Task
from metarl_suites.crew import Crew
from metarl_suites.manipulation.environments import make_environment
from metarl_suites.manipulation.suite import goal_of
from tests.benchmarks.rounds import Contender, Rounds, compared, judged, stepping, write

THREADS = 2
STEPS = 2_400  # environment steps of one contender in one round
ROUNDS = 5
FRAME_SKIP = 5
HORIZON = 500
STATE = mujoco.mjtState.mjSTATE_INTEGRATION
OURS = "metarl-bench"
AIMS = {"limit": 0.6, "make_vec sync": 4.0, "make_vec async": 4.0}  # least ratios
# Aims of kinds that nothing was made faster for in particular: those outside of ML10.
OTHER_AIMS = {"make_vec sync": 1.3, "make_vec async": 1.3}
CASES = {
    "manipulation/ml10-v1": (20, AIMS),
    **{f"manipulation/ml1-{kind}-v1": (25, AIMS) for kind in ("reach", "push", "pick-place")},
    **{f"manipulation/ml1-{kind}-v1": (25, OTHER_AIMS) for kind in ("hammer", "stick-push", "box-close")},
}
# A process of its own: models, classes, resets and imports of Meta-World stay where they once were made.
CONSTRUCTION = f"""
import time
begun = time.perf_counter()
import metarl_bench as mb
suite = mb.make_suite("manipulation/ml10-v1")
tasks = suite.tasks("train")[::25]
suite.make_worlds(len(tasks), num_threads={THREADS}).set_tasks(tasks)
print(time.perf_counter() - begun)
"""


class Bare:
    """Nothing but the physics of a task, on a light model: what no form of the same step can do without."""

    def __init__(self, kind: str, vector: NDArray[np.float64]) -> None:
        env = make_environment(kind)
        env._last_rand_vec = vector
        env.reset()
        self.low, self.high = env.mocap_low, env.mocap_high
        self._model, self._data = env.model, env.data
        self.target, self._fingers = env.data.mocap_pos[0], env.data.ctrl
        self._start = np.zeros(mujoco.mj_stateSize(env.model, STATE))
        mujoco.mj_getState(env.model, env.data, self._start, STATE)

    def reset(self) -> None:
        """Begins the episode again."""
        mujoco.mj_setState(self._model, self._data, self._start, STATE)

    def step(self, target: NDArray[np.float64], fingers: NDArray[np.float32]) -> None:
        """Plays the substeps, and computes what Meta-World reads of the state after them."""
        self.target[:] = target
        self._fingers[:] = fingers
        mujoco.mj_step(self._model, self._data, FRAME_SKIP)
        mujoco.mj_forward(self._model, self._data)


def limit(suite_id: str, num_worlds: int) -> Contender:
    """The physics of the tasks and actions that ours plays."""
    suite = mb.make_suite(suite_id)
    worlds = [Bare(*goal_of(suite.spec, task)) for task in _tasks(suite, num_worlds)]
    low, high = np.array([world.low for world in worlds]), np.array([world.high for world in worlds])
    crew = Crew(THREADS)
    actions = _actions(num_worlds)
    played = 0

    def run() -> float:
        nonlocal played
        for action in actions:
            if played % HORIZON == 0:
                for world in worlds:
                    world.reset()
            played += 1
            targets = np.clip([world.target for world in worlds] + action[:, :3] * np.float32(0.01), low, high)
            fingers = np.stack([action[:, 3], -action[:, 3]], axis=1)

            def share(thread: int, part: slice) -> None:
                for place in range(part.start, part.stop):
                    worlds[place].step(targets[place], fingers[place])  # noqa: B023 - used within this step only

            crew.run(share, num_worlds)
        return actions.shape[0] * num_worlds

    return run


def ours(suite_id: str, num_worlds: int, opened: ExitStack) -> Contender:
    """Our worlds: observation, reward, success and resets."""
    suite = mb.make_suite(suite_id)
    worlds = suite.make_worlds(num_worlds, num_threads=THREADS)
    opened.callback(worlds.close)
    worlds.set_tasks(_tasks(suite, num_worlds))
    return stepping(worlds, _actions(num_worlds), resets=True)


def library(suite_id: str, num_worlds: int, mode: str, opened: ExitStack) -> Contender:
    """Meta-World's own vector environment of the same benchmark."""
    name = suite_id.removeprefix("manipulation/").removesuffix("-v1")
    options: dict[str, Any] = {"seed": 1, "meta_batch_size": num_worlds, "vector_strategy": mode}
    if name.startswith("ml1-"):
        envs = gymnasium.make_vec("Meta-World/ML1-train", env_name=f"{name.removeprefix('ml1-')}-v3", **options)
    else:
        envs = gymnasium.make_vec(f"Meta-World/{name.upper()}-train", **options)
    opened.callback(envs.close)
    envs.call("sample_tasks")
    return stepping(envs, _actions(num_worlds), resets=False)


def _tasks(suite: Suite, num_worlds: int) -> list[Task]:
    return suite.sample_tasks(num_worlds, np.random.default_rng(0))


def _actions(num_worlds: int) -> NDArray[np.float32]:
    return np.random.default_rng(0).uniform(-1, 1, (STEPS // num_worlds, num_worlds, 4)).astype(np.float32)


def _measure(suite_id: str) -> list[dict[str, Any]]:
    """Measures one suite and those that it is held against; closes them, since each of 25 processes takes memory."""
    num_worlds, aims = CASES[suite_id]
    with ExitStack() as opened:
        contenders = {OURS: ours(suite_id, num_worlds, opened)}
        for mode in ("async", "sync"):
            contenders[f"make_vec {mode}"] = library(suite_id, num_worlds, mode, opened)
        if "limit" in aims:
            contenders["limit"] = limit(suite_id, num_worlds)
        rounds = Rounds(contenders)
        for _ in range(ROUNDS):
            rounds.run()
    return [{"what": suite_id, **compared(rounds, OURS, other, least)} for other, least in aims.items()]


def test_worlds_against_the_limit_and_the_library(benchmark: Any) -> None:
    rows = benchmark.pedantic(lambda: [row for suite_id in CASES for row in _measure(suite_id)], rounds=1)
    benchmark.extra_info["ratios"] = rows
    write("manipulation", f"Manipulation, {THREADS} threads", rows, rounds=ROUNDS)
    assert all(row["ratio"] > 0 for row in rows)


def test_construction_and_resets(benchmark: Any) -> None:
    suite = mb.make_suite("manipulation/ml10-v1")
    tasks = suite.tasks("train")[::25]
    worlds = suite.make_worlds(len(tasks), num_threads=THREADS)
    worlds.set_tasks(tasks)
    worlds.reset(seed=0)
    seconds: dict[str, list[float]] = {"construct": [], "reset": []}

    def run() -> None:
        child = subprocess.run([sys.executable, "-c", CONSTRUCTION], check=True, capture_output=True, text=True)
        seconds["construct"].append(float(child.stdout))
        begun = time.perf_counter()
        for _ in range(100):
            worlds.reset()
        seconds["reset"].append((time.perf_counter() - begun) / (100 * len(tasks)))

    benchmark.pedantic(run, rounds=ROUNDS)
    worlds.close()
    rows = [
        _seconds("20 worlds of ML10 in a fresh process, imports included", seconds["construct"], 2.0),
        _seconds("reset of a world from the cache", seconds["reset"], 1e-4),
    ]
    write("manipulation-resets", "Manipulation, construction and resets", rows, rounds=ROUNDS)
    assert all(row["seconds"] > 0 for row in rows)


def _seconds(what: str, measured: list[float], most: float) -> dict[str, Any]:
    seconds = float(f"{statistics.median(measured):.3g}")
    return {"what": what, "seconds": seconds, **judged(seconds, "<=", most)}
