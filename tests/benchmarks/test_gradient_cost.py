"""Where the time of a ``maml`` cell goes: simulation, acting, inner steps, outer steps."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import metarl_bench as mb
from metarl_agents.common.gradient import agent as gradient_agent
from metarl_agents.common.gradient.trpo import TrustRegionAgent
from metarl_bench.metering import MeteredWorlds, TrainingGround
from metarl_bench.protocols import get_protocol
from metarl_bench.registry import AGENTS, make_config
from metarl_bench.seeding import generator
from tests.benchmarks.rounds import judged, write

CELLS = (
    ("lite-k20-v1", "locomotion/cheetah-direction-v1"),
    ("paper/learn2learn-cheetah-direction-v1", "locomotion/cheetah-direction-h100-v1"),
)
ITERATIONS = 2
ROUNDS = 3


class Watch:
    """Wall seconds spent in some functions."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def on(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: Any, **options: Any) -> Any:
            begin = time.perf_counter()
            result = function(*args, **options)
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - begin
            return result

        return timed


def test_simulation_against_learning(benchmark: Any, monkeypatch: Any) -> None:
    watch = Watch()
    monkeypatch.setattr(gradient_agent, "play", watch.on("play", gradient_agent.play))
    monkeypatch.setattr(MeteredWorlds, "step", watch.on("simulation", MeteredWorlds.step))
    monkeypatch.setattr(TrustRegionAgent, "improve", watch.on("outer", TrustRegionAgent.improve))
    spec = AGENTS.get("maml")
    shares: dict[str, list[dict[str, float]]] = {protocol: [] for protocol, _ in CELLS}

    def train_all() -> None:
        for protocol, suite_id in CELLS:
            suite = mb.make_suite(suite_id)
            resolved = get_protocol(protocol).resolve(suite)
            config: Any = make_config(spec, suite.spec)
            steps = ITERATIONS * 2 * config.num_worlds * suite.spec.horizon
            agent = spec.build(suite.spec, resolved.trial, config, generator("benchmark"))
            ground = TrainingGround(
                suite, trial=resolved.trial, budget=steps, until=steps, key=("benchmark",), segment=0, num_threads=2
            )
            watch.seconds.clear()
            begin = time.perf_counter()
            agent.meta_train(ground, until=steps, rng=generator("benchmark"))
            total = time.perf_counter() - begin
            found = watch.seconds
            shares[protocol].append(
                {
                    "simulation": found["simulation"] / total,
                    "acting": (found["play"] - found["simulation"]) / total,
                    "inner": (total - found["play"] - found["outer"]) / total,
                    "outer": found["outer"] / total,
                    "steps per second": ground.steps / total,
                }
            )

    benchmark.pedantic(train_all, rounds=ROUNDS, warmup_rounds=1)
    rows = []
    for protocol, suite_id in CELLS:
        median = {
            name: statistics.median(share[name] for share in shares[protocol][1:]) for name in shares[protocol][0]
        }
        parts = {name: f"{median[name]:.0%}" for name in ("simulation", "acting", "inner", "outer")}
        percent = round(100 * (median["inner"] + median["outer"]))
        learner = {"inner + outer": f"{percent}%", **judged(percent, "<=", 60, unit="%")}
        speed = {"steps per second": round(median["steps per second"])}
        rows.append({"protocol": protocol, "suite": suite_id, **parts, **learner, **speed})
    benchmark.extra_info["profile"] = rows
    write("gradient", "Shares of maml's wall-clock, 2 physics threads", rows, rounds=ROUNDS)
    assert all(len(share) > ROUNDS for share in shares.values())
