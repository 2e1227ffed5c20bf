"""What metering and recording cost: the same agent and episodes, with the harness and in a plain loop without it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import metarl_bench as mb
from metarl_bench.agents import MetaAgent, Transition
from metarl_bench.episodes import schedule
from metarl_bench.metering import TrainingGround
from metarl_bench.protocols import get_protocol
from metarl_bench.registry import AGENTS, make_config
from metarl_bench.seeding import generator
from metarl_bench.trials import meta_test
from metarl_bench.worlds import Worlds
from tests.benchmarks.rounds import Contender, Rounds, write

SUITE = mb.make_suite("locomotion/cheetah-velocity-v1")
PROTOCOL = get_protocol("lite-v1").resolve(SUITE)
TASKS = [task for task in PROTOCOL.tasks("test") for _ in range(PROTOCOL.trials_per_task("test"))]
AGENT_IDS = ("rl2", "random")  # a usual agent, and the cheapest: beside any other the harness weighs less
ROUNDS = 15


def _agent(agent_id: str) -> MetaAgent:
    spec = AGENTS.get(agent_id)
    return spec.build(SUITE.spec, PROTOCOL.trial, make_config(spec, SUITE.spec), generator("benchmark"))


def _play(agent_id: str, worlds: Worlds, tasks: Sequence[Any]) -> float:
    """Plays as many episodes as a meta-test, as a script without a harness would."""
    worlds.set_tasks(tasks)
    adaptation = _agent(agent_id).start_trials(worlds.num_envs, rng=generator("benchmark"))
    active = np.ones(worlds.num_envs, np.bool_)
    steps = 0
    for play in schedule(PROTOCOL):
        observations, _ = worlds.reset()
        adaptation.begin_episode(observations, episode=play.shot, phase=play.phase)
        explore = play.phase == "adaptation"  # as in the meta-test: a robot that stands still is simulated more slowly
        for _ in range(PROTOCOL.horizon):
            actions = adaptation.act(observations, active=active, explore=explore)
            following, rewards, terminated, truncated, _ = worlds.step(actions)
            adaptation.observe(Transition(observations, actions, rewards, terminated, truncated, following, active))
            observations = following
            steps += worlds.num_envs
        adaptation.end_episode()
    worlds.close()
    return steps


def plain(agent_id: str) -> Contender:
    """The loop on the suite's own worlds."""
    return lambda: _play(agent_id, SUITE.make_worlds(len(TASKS), num_threads=2), TASKS)


def metered(agent_id: str) -> Contender:
    """The loop on the worlds that training gets."""
    ground = TrainingGround(
        SUITE, trial=PROTOCOL.trial, budget=10**9, until=10**9, key=("benchmark",), segment=0, num_threads=2
    )
    return lambda: _play(agent_id, ground.make_worlds(len(TASKS)), ground.sample_tasks(len(TASKS)))


def recorded(agent_id: str) -> Contender:
    """A whole meta-test: seeds, guards, forks, records."""

    def run() -> float:
        agent = _agent(agent_id)
        found = meta_test(
            agent, AGENTS.get(agent_id), SUITE, PROTOCOL, split="test", seed=0, checkpoint=0, num_threads=2
        )
        return float(sum(row["length"] for row in found.rows))

    return run


def test_metering_and_recording_cost(benchmark: Any) -> None:
    kinds = {"plain": plain, "metered": metered, "meta-test": recorded}
    rounds = Rounds({f"{agent}, {kind}": make(agent) for agent in AGENT_IDS for kind, make in kinds.items()})
    benchmark.pedantic(rounds.run, rounds=ROUNDS)
    rows = [
        {
            "agent": agent,
            "what": kind,
            "against": "a plain loop",
            "cost": f"{100 * (rounds.ratio(f'{agent}, plain', f'{agent}, {kind}') - 1):.1f} %",
            "aim": "< 3 %",
            "steps/s": round(rounds.median(f"{agent}, {kind}")),
        }
        for agent in AGENT_IDS
        for kind in ("metered", "meta-test")
    ]
    benchmark.extra_info["cost"] = rows
    write("harness", f"Cost of the harness on {SUITE.spec.id}, {len(TASKS)} worlds", rows, rounds=ROUNDS)
    assert len(rows) == 4
