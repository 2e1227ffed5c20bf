"""What metering and recording cost, measured against the same work without them."""

from __future__ import annotations

from typing import Any

import numpy as np

import metarl_bench as mb
from metarl_bench.metering import TrainingGround
from metarl_bench.protocols import get_protocol
from metarl_bench.registry import AGENTS, make_config
from metarl_bench.seeding import generator
from metarl_bench.trials import meta_test
from metarl_bench.worlds import Worlds
from tests.benchmarks.rounds import Contender, Rounds, write

SUITE = "locomotion/cheetah-velocity-v1"
WORLDS = 60  # as in the meta-test of lite-v1
EPISODES = 3
ROUNDS = 9


def _play(worlds: Worlds, actions: np.ndarray) -> float:
    steps = 0
    for _ in range(EPISODES):
        worlds.reset()
        for action in actions:
            worlds.step(action)
            steps += WORLDS
    return steps


def bare() -> Contender:
    """Random actions on the suite's own worlds."""
    suite = mb.make_suite(SUITE)
    worlds = suite.make_worlds(WORLDS, num_threads=2)
    worlds.set_tasks(suite.sample_tasks(WORLDS, np.random.default_rng(0)))
    worlds.reset(seed=0)
    return lambda: _play(worlds, _actions())


def metered() -> Contender:
    """The same through the training ground."""
    suite = mb.make_suite(SUITE)
    resolved = get_protocol("lite-v1").resolve(suite)
    ground = TrainingGround(
        suite, trial=resolved.trial, budget=10**9, until=10**9, key=("benchmark",), segment=0, num_threads=2
    )
    worlds = ground.make_worlds(WORLDS)
    worlds.set_tasks(ground.sample_tasks(WORLDS))
    return lambda: _play(worlds, _actions())


def recorded() -> Contender:
    """A whole meta-test of the random agent: seeds, guards, forks, records."""
    suite = mb.make_suite(SUITE)
    resolved = get_protocol("lite-v1").resolve(suite)
    spec = AGENTS.get("random")
    agent = spec.build(suite.spec, resolved.trial, make_config(spec, suite.spec), generator("benchmark"))

    def run() -> float:
        found = meta_test(agent, spec, suite, resolved, split="test", seed=0, checkpoint=0, num_threads=2)
        return float(sum(row["length"] for row in found.rows))

    return run


def _actions() -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, (200, WORLDS, 6))


def test_metering_and_recording_cost(benchmark: Any) -> None:
    rounds = Rounds({"bare": bare(), "metered": metered(), "recorded": recorded()})
    benchmark.pedantic(rounds.run, rounds=ROUNDS)
    rows = [
        {
            "what": f"{name} worlds",
            "against": "bare worlds",
            "cost": f"{100 * (rounds.ratio('bare', name) - 1):.1f} %",
            "aim": "< 3 %",
            "steps/s": round(rounds.median(name)),
        }
        for name in ("metered", "recorded")
    ]
    benchmark.extra_info["cost"] = rows
    write("harness", f"Cost of the harness: random actions on {SUITE}, {WORLDS} worlds", rows, rounds=ROUNDS)
    assert len(rows) == 2
