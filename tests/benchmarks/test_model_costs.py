"""What worlds with models of their own cost: the time until they have their tasks, and the memory of each."""

from __future__ import annotations

import multiprocessing
import os
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np

import metarl_bench as mb
from tests.benchmarks.rounds import judged, write

WORLDS = 256
FEW, MANY = 64, 576  # worlds between which memory is measured
ROUNDS = 3
PLANAR = ("locomotion/cheetah-body-v2", "locomotion/terrain-cheetah-v1", "locomotion/terrain-walker-v1")
SUITES = (*PLANAR, "locomotion/terrain-ant-v1")
MOST_SECONDS, MOST_KIB = 2.0, 150.0


def seconds_to_build(suite_id: str, seed: int) -> tuple[float, float]:
    """Returns how long worlds take to get tasks that are new, and to get the same ones again."""
    suite = mb.make_suite(suite_id)
    worlds = suite.make_worlds(WORLDS, num_threads=1)
    tasks = suite.sample_tasks(WORLDS, np.random.default_rng(seed))
    times = [time.perf_counter()]
    for _ in range(2):
        worlds.set_tasks(tasks)
        times.append(time.perf_counter())
    worlds.close()
    return times[1] - times[0], times[2] - times[1]


def resident_kib(suite_id: str, num_worlds: int) -> float:
    """Returns the memory of this process after one step of so many worlds, each with a task of its own."""
    suite = mb.make_suite(suite_id)
    worlds = suite.make_worlds(num_worlds, num_threads=1)
    worlds.set_tasks(suite.sample_tasks(num_worlds, np.random.default_rng(0)))
    worlds.reset(seed=0)
    worlds.step(np.zeros((num_worlds, *suite.spec.action_space.shape)))
    pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024


def kib_per_world(suite_id: str) -> float:
    """Returns the memory of one more world, the median; each number of worlds is measured in processes of its own."""
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        sizes = pool.starmap(resident_kib, [(suite_id, FEW), (suite_id, MANY)] * ROUNDS, chunksize=1)
    return statistics.median((many - few) / (MANY - FEW) for few, many in zip(sizes[::2], sizes[1::2], strict=True))


def test_time_and_memory_of_models(benchmark: Any) -> None:
    measured: dict[str, list[tuple[float, float]]] = {suite_id: [] for suite_id in SUITES}

    def build() -> None:
        for suite_id, times in measured.items():
            times.append(seconds_to_build(suite_id, len(times)))

    benchmark.pedantic(build, rounds=ROUNDS)
    rows = [_row(suite_id, times) for suite_id, times in measured.items()]
    benchmark.extra_info["costs"] = rows
    write("models", "Models of tasks: time to build them, and memory", rows, rounds=ROUNDS)
    assert all(row["one more world (KiB)"] > 0 for row in rows)


def _row(suite_id: str, times: list[tuple[float, float]]) -> dict[str, Any]:
    new, again = (float(f"{statistics.median(column):.2g}") for column in zip(*times, strict=True))
    memory = round(kib_per_world(suite_id))
    aim = judged(memory, "<", MOST_KIB, of=" of memory")
    return {
        "suite": suite_id,
        f"{WORLDS} new tasks (s)": new,
        **judged(new, "<=", MOST_SECONDS),
        "the same again (s)": again,
        "one more world (KiB)": memory,
        **(aim if suite_id in PLANAR else dict.fromkeys(aim, "-")),
    }
