"""Evidence: how large it is, and how long its replay takes beside the meta-test that it checks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from metarl_bench import checkpoints
from metarl_bench.cells import Plan
from metarl_bench.evidence import encode
from metarl_bench.records import read_manifest
from metarl_bench.replay import replay
from metarl_bench.trials import MetaTest
from tests.benchmarks.rounds import Contender, Rounds, judged, write

RESULTS = Path(__file__).parents[2] / "results" / "lite-v1"
# Committed weights of RL2, by suite.
SUITES = {
    "locomotion/cheetah-velocity-v1": 4_000_000,
    "locomotion/cheetah-direction-v1": 4_000_000,
    "toy/point-robot-v1": 4_000_000,
    "toy/sparse-point-robot-v1": 2_000_000,
}
ROUNDS = 5


def played(folder: Path, plan: Plan) -> MetaTest:
    agent = checkpoints.load_agent(folder, plan)
    return checkpoints.test_split(agent, plan, "test", steps=plan.resolved.budget, num_threads=2, record_evidence=True)


def contenders(folder: Path, plan: Plan, found: MetaTest) -> dict[str, Contender]:
    evidence = found.evidence
    assert evidence is not None

    def meta_test() -> float:
        played(folder, plan)
        return 1

    def replayed() -> float:
        outcome = replay(evidence, found.rows, plan.suite, plan.resolved, "test", exact=True, num_threads=2)
        assert not outcome.problems
        return 1

    return {"meta-test": meta_test, "replay": replayed}


def test_size_and_time_of_evidence(benchmark: Any) -> None:
    rows = []
    measured = []
    for suite, budget in SUITES.items():
        folder = RESULTS / suite / "rl2" / "seed-0" / "checkpoints" / str(budget)
        plan = Plan.of_run(read_manifest(folder.parents[1]))
        found = played(folder, plan)
        assert found.evidence is not None
        size = len(encode(found.evidence)) / 2**20
        measured.append((suite, size, Rounds(contenders(folder, plan, found))))
    benchmark.pedantic(lambda: [rounds.run() for _, _, rounds in measured], rounds=ROUNDS)
    for suite, size, rounds in measured:
        ratio = round(rounds.ratio("replay", "meta-test"), 1)
        rows.append(
            {
                "suite": suite,
                "agent": "rl2",
                "evidence of one split (MiB)": round(size, 2),
                "meta-test (s)": round(1 / rounds.median("meta-test"), 2),
                "replay (s)": round(1 / rounds.median("replay"), 2),
                "meta-test / replay": ratio,
                **judged(ratio, ">=", 20),
            }
        )
    write("replay", "Evidence of a final meta-test: size, and time of its replay", rows, rounds=ROUNDS)
    assert len(rows) == len(SUITES)
