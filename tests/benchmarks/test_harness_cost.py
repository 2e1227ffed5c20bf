"""What the harness costs: the same agent and episodes with it, and in a plain script without it."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import metarl_bench as mb
from metarl_bench.agents import MetaAgent, Transition
from metarl_bench.cells import Cell, Plan
from metarl_bench.episodes import reset_seeds, schedule, trial_places
from metarl_bench.metering import TrainingGround
from metarl_bench.protocols import get_protocol
from metarl_bench.registry import AGENTS, make_config
from metarl_bench.runner import run_cell
from metarl_bench.seeding import generator
from metarl_bench.trials import MetaTest, meta_test
from metarl_bench.worlds import Worlds
from tests.benchmarks.rounds import NO_AIM, Contender, Rounds, judged, write

SUITE = mb.make_suite("locomotion/cheetah-velocity-v1")
PROTOCOL = get_protocol("lite-v1").resolve(SUITE)
TASKS = [task for task, _ in trial_places(PROTOCOL, "test")]
SEEDS = [reset_seeds(PROTOCOL, "test", play) for play in schedule(PROTOCOL)]
AGENT_IDS = ("rl2", "random")  # a usual agent, and the cheapest: beside any other the harness weighs less
CELL = Cell(protocol="low-data-v1", suite=SUITE.spec.id, agent="rl2", seed=0)
THREADS = 2
ROUNDS = 15
ROUNDS_OF_CELLS = 3

Returns = list[NDArray[np.float64]]


def _agent(agent_id: str) -> MetaAgent:
    spec = AGENTS.get(agent_id)
    return spec.build(SUITE.spec, PROTOCOL.trial, make_config(spec, SUITE.spec), generator("benchmark"))


def _play(agent_id: str, agent: MetaAgent, worlds: Worlds, tasks: Sequence[Any], seeds: Sequence[Any]) -> Returns:
    """Plays the episodes of a meta-test as a script without a harness would; returns those of each [worlds]."""
    low, high = SUITE.spec.action_space.low, SUITE.spec.action_space.high
    worlds.set_tasks(tasks)
    rng = generator(PROTOCOL.digest(), agent_id, 0, "meta-test", "test", 0)  # as the meta-test's
    adaptation = agent.start_trials(worlds.num_envs, rng=rng)
    active = np.ones(worlds.num_envs, np.bool_)
    returns = []
    for play, seed in zip(schedule(PROTOCOL), seeds, strict=True):
        explore = play.phase == "adaptation"
        state = adaptation if explore else adaptation.fork()
        observations, _ = worlds.reset(seed=seed)
        state.begin_episode(observations, episode=play.shot, phase=play.phase)
        total = np.zeros(worlds.num_envs)
        for _ in range(PROTOCOL.horizon):
            actions = np.clip(state.act(observations, active=active, explore=explore), low, high)
            following, rewards, terminated, truncated, _ = worlds.step(actions)
            state.observe(Transition(observations, actions, rewards, terminated, truncated, following, active))
            observations = following
            total += rewards
        state.end_episode()
        returns.append(total)
    worlds.close()
    return returns


def _steps(returns: Returns) -> float:
    return float(PROTOCOL.horizon * sum(map(len, returns)))


def _play_plainly(agent_id: str, agent: MetaAgent) -> Returns:
    return _play(agent_id, agent, SUITE.make_worlds(len(TASKS), num_threads=THREADS), TASKS, SEEDS)


def _meta_test(agent_id: str, agent: MetaAgent) -> MetaTest:
    spec = AGENTS.get(agent_id)
    return meta_test(agent, spec, SUITE, PROTOCOL, split="test", seed=0, checkpoint=0, num_threads=THREADS)


# Agents are built once, and not by the contenders: where torch has several threads, drawing the weights of a network
# takes a tenth or more of what is measured, and not always the same.


def plain(agent_id: str) -> Contender:
    """The script on the suite's own worlds."""
    agent = _agent(agent_id)
    return lambda: _steps(_play_plainly(agent_id, agent))


def metered(agent_id: str) -> Contender:
    """The script on the worlds that training gets."""
    agent = _agent(agent_id)
    ground = TrainingGround(
        SUITE, trial=PROTOCOL.trial, budget=10**9, until=10**9, key=("benchmark",), segment=0, num_threads=THREADS
    )

    def run() -> float:
        worlds, tasks = ground.make_worlds(len(TASKS)), ground.sample_tasks(len(TASKS))
        return _steps(_play(agent_id, agent, worlds, tasks, [None] * len(SEEDS)))  # they have seeds of their own

    return run


def recorded(agent_id: str) -> Contender:
    """A whole meta-test: seeds, guards, forks, records."""
    agent = _agent(agent_id)
    return lambda: float(sum(row["length"] for row in _meta_test(agent_id, agent).rows))


def whole_cell() -> float:
    """A cell with all that the harness does: save points, checkpoints, records, evidence."""
    with tempfile.TemporaryDirectory() as out:
        run_cell(CELL, Path(out), num_threads=THREADS)
    return 1.0


def bare_cell() -> float:
    """The same training in one piece, and as many meta-tests after it."""
    plan = Plan.of(CELL)
    resolved, agent = plan.resolved, plan.build_agent()
    ground = plan.ground(plan.boundaries[-1], steps=0, issued=0, num_threads=THREADS, on_steps=lambda steps: None)
    with closing(ground):
        agent.meta_train(ground, until=resolved.budget, rng=generator("benchmark"))
    for split in [*resolved.splits[:1] * (len(resolved.checkpoints) - 1), *resolved.splits]:
        meta_test(agent, plan.spec, plan.suite, resolved, split=split, seed=0, checkpoint=0, num_threads=THREADS)
    return 1.0


def test_the_plain_script_plays_the_episodes_of_the_meta_test() -> None:
    for agent_id in AGENT_IDS:
        agent = _agent(agent_id)
        found = [row["return"] for row in _meta_test(agent_id, agent).rows]
        np.testing.assert_allclose(np.concatenate(_play_plainly(agent_id, agent)), found)


def test_cost_of_the_harness(benchmark: Any) -> None:
    kinds = {"plain": plain, "metered": metered, "meta-test": recorded}
    rounds = Rounds({f"{agent}, {kind}": make(agent) for agent in AGENT_IDS for kind, make in kinds.items()})
    cells = Rounds({"whole": whole_cell, "bare": bare_cell})

    def measure() -> None:
        rounds.run()
        if len(cells.rates["bare"]) < ROUNDS_OF_CELLS:
            cells.run()

    benchmark.pedantic(measure, rounds=ROUNDS)
    rows = []
    for agent in AGENT_IDS:
        for kind in ("metered", "meta-test"):
            cost = round(100 * (rounds.ratio(f"{agent}, plain", f"{agent}, {kind}") - 1), 1)
            rate = round(rounds.median(f"{agent}, {kind}"))
            rows.append(_row(agent, kind, "a plain script", cost, judged(cost, "<", 3, unit=" %"), rate))
    # No aim: a cell of 4M steps stores no more often, in forty times as many steps.
    what = f"a cell of 100,000 steps ({CELL.protocol}), {ROUNDS_OF_CELLS} rounds"
    cost = round(100 * (cells.ratio("bare", "whole") - 1), 1)
    rate = round(100_000 * cells.median("whole"))
    rows.append(_row(CELL.agent, what, "bare training and meta-tests", cost, NO_AIM, rate))
    benchmark.extra_info["cost"] = rows
    write("harness", f"Cost of the harness on {SUITE.spec.id}, {len(TASKS)} worlds", rows, rounds=ROUNDS)
    assert len(rows) == 5


def _row(agent: str, what: str, against: str, cost: float, aim: dict[str, Any], rate: int) -> dict[str, Any]:
    return {"agent": agent, "what": what, "against": against, "cost": f"{cost} %", **aim, "steps/s": rate}
