"""Where the time of an ``rl2`` cell goes: CPU seconds of collecting and of learning, and the peak of memory."""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Callable
from typing import Any

import metarl_bench as mb
from metarl_agents.common.on_policy import OnPolicyAgent
from metarl_agents.common.rollouts import TrialCollector
from metarl_bench.metering import TrainingGround
from metarl_bench.protocols import get_protocol
from metarl_bench.registry import AGENTS, make_config
from metarl_bench.seeding import generator
from tests.benchmarks.rounds import judged, write

SUITE = "locomotion/cheetah-velocity-v1"
STEPS = 64_000
ROUNDS = 5


def _timed(method: Callable[..., Any], seconds: list[float]) -> Callable[..., Any]:
    def wrapper(*args: Any, **options: Any) -> Any:
        begin = time.process_time()
        result = method(*args, **options)
        seconds.append(time.process_time() - begin)
        return result

    return wrapper


def test_learning_against_collecting(benchmark: Any, monkeypatch: Any) -> None:
    collecting: list[float] = []
    learning: list[float] = []
    monkeypatch.setattr(TrialCollector, "collect", _timed(TrialCollector.collect, collecting))
    monkeypatch.setattr(OnPolicyAgent, "_learn", _timed(OnPolicyAgent._learn, learning))
    suite = mb.make_suite(SUITE)
    resolved = get_protocol("lite-v1").resolve(suite)
    spec = AGENTS.get("rl2")
    agent = spec.build(suite.spec, resolved.trial, make_config(spec, suite.spec), generator("benchmark"))
    ratios = []

    def train() -> None:
        collecting.clear()
        learning.clear()
        ground = TrainingGround(
            suite, trial=resolved.trial, budget=STEPS, until=STEPS, key=("benchmark",), segment=0, num_threads=2
        )
        agent.meta_train(ground, until=STEPS, rng=generator("benchmark"))
        ratios.append(sum(learning) / sum(collecting))

    benchmark.pedantic(train, rounds=ROUNDS, warmup_rounds=1)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    total = sum(learning) + sum(collecting)
    ratio = round(statistics.median(ratios), 2)
    rows = [
        {
            "what": "learning",
            "against": "collecting",
            "ratio of CPU time": ratio,
            **judged(ratio, "<=", 1.2),
            "steps per CPU second": round(STEPS / total),
            "peak memory (MiB)": round(peak),
        }
    ]
    benchmark.extra_info["profile"] = rows
    write("learning", f"Profile of rl2 on {SUITE}, 2 physics threads", rows, rounds=ROUNDS)
    assert total > 0
