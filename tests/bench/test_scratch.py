"""Learners from scratch: one for each test task, which sees that task alone and has a budget of its own."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from metarl_bench import protocols
from metarl_bench.agents import Adaptation, AgentSpec, MetaAgent, TrialShape
from metarl_bench.cells import Cell, Plan
from metarl_bench.errors import AgentError, BudgetExceeded, ConfigError, ContractError, RecordError, SplitViolation
from metarl_bench.fresh_tasks import rerun
from metarl_bench.leaderboard import leaderboard, split_tables
from metarl_bench.metering import TrainingGround
from metarl_bench.protocols import PROTOCOLS, SCRATCH
from metarl_bench.records import load_cells, load_results, load_within_trial, read_manifest
from metarl_bench.registry import AGENTS, make_suite
from metarl_bench.report import figures
from metarl_bench.report.sheets import make_sheets
from metarl_bench.runner import Outcome, evaluate, run_cell
from metarl_bench.scratch import ScratchGround
from metarl_bench.submissions.add import add
from metarl_bench.submissions.pack import pack
from metarl_bench.tasks import SuiteSpec
from tests.bench import support

SUITE = make_suite(support.SUITE)
# 120, 360 and 720 steps of each learner: six worlds of the test learner play whole episodes.
SMALL = dataclasses.replace(
    SCRATCH, id="scratch-small-v1", checkpoints=(1, 3), budget=6, unit_episodes=6, evaluation_episodes=2
)
TASKS = SMALL.resolve(SUITE).tasks("test")
BUDGET = 720


@dataclass(frozen=True)
class NosyConfig:
    """No settings."""


class Nosy(MetaAgent):
    """Is told the parameters of all tasks that it meets, notes them, and breaks at one that it has not trained on."""

    def __init__(self, suite: SuiteSpec, trial: TrialShape, config: NosyConfig, rng: np.random.Generator) -> None:
        self.seen: list[list[float]] = []

    def meta_train(self, ground: TrainingGround, *, until: int, rng: np.random.Generator) -> None:
        worlds = ground.make_worlds(3)
        worlds.set_tasks(ground.sample_tasks(3))
        assert ground.suite.finite_tasks == 1
        for row in worlds.privileged_parameters().tolist():
            self.seen += [row] if row not in self.seen else []

    def start_trials(self, num_worlds: int, *, rng: np.random.Generator, privileged: Any = None) -> Adaptation:
        assert [row for row in privileged.tolist() if row not in self.seen] == []
        return support.LearnerAdaptation(support.Learner(SUITE.spec, None, support.LearnerConfig(), rng), rng)

    def save(self, folder: Path) -> None:
        (folder / "seen.json").write_text(json.dumps(self.seen))

    def load(self, folder: Path) -> None:
        self.seen = json.loads((folder / "seen.json").read_text())


AGENTS.register(
    AgentSpec(
        id="test-nosy",
        kind="reference",
        summary="for tests",
        factory=f"{__name__}:Nosy",
        config=f"{__name__}:NosyConfig",
        division="privileged",
    )
)


def know_small() -> None:
    protocols.PROTOCOLS = (*PROTOCOLS, SMALL)


@pytest.fixture(autouse=True)
def _known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocols, "PROTOCOLS", (*PROTOCOLS, SMALL))


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcome]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(protocols, "PROTOCOLS", (*PROTOCOLS, SMALL))
        yield run_cell(cell(), tmp_path_factory.mktemp("scratch") / "runs")


def cell(agent: str = "test-learner", *, seed: int = 0, **config: object) -> Cell:
    return Cell(protocol=SMALL.id, suite=support.SUITE, agent=agent, seed=seed, config=tuple(config.items()))


def ground(*, budget: int = 100) -> ScratchGround:
    return ScratchGround(
        SUITE, TASKS, trial=SMALL.resolve(SUITE).trial, budget=budget, until=budget, key=("test",), segment=0
    )


# -- the rules ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("suite", "checkpoints"),
    [
        ("locomotion/cheetah-velocity-v1", (400, 4_000, 40_000, 400_000)),
        ("toy/point-robot-v1", (40, 400, 4_000, 40_000)),
    ],
)
def test_budget_and_checkpoints_are_multiples_of_what_a_trial_of_lite_adapts_with(
    suite: str, checkpoints: tuple[int, ...]
) -> None:
    resolved = SCRATCH.resolve(make_suite(suite))
    assert resolved.checkpoints == checkpoints
    assert resolved.checkpoints[0] == protocols.LITE.adaptation_episodes * resolved.horizon
    assert (resolved.learners, resolved.splits, resolved.adaptation_episodes) == (5, ("test",), 0)


def test_what_an_agent_is_trained_on_changes_the_digest() -> None:
    rules = [dataclasses.replace(SMALL, trains_on=where).resolve(SUITE) for where in ("each-task", "distribution")]
    assert rules[0].digest() != rules[1].digest()
    assert "trains_on" not in rules[1].covers()


def test_units_only_say_how_steps_are_given() -> None:
    plain = dataclasses.replace(SMALL, unit_episodes=None, checkpoints=(120, 360), budget=BUDGET)
    assert plain.resolve(SUITE).digest() == SMALL.resolve(SUITE).digest()


# -- what a learner sees -----------------------------------------------------------------------------------------------


def test_each_learner_sees_its_own_task_alone(tmp_path: Path) -> None:
    outcome = run_cell(cell("test-nosy"), tmp_path / "runs")
    assert (outcome.status, outcome.episodes_failed) == ("complete", 0)
    for place, task in enumerate(TASKS):
        weights = outcome.folder / "checkpoints" / str(BUDGET) / "weights" / f"learner-{place}"
        assert json.loads((weights / "seen.json").read_text()) == [SUITE.spec.encode(task).tolist()]


def test_a_learner_gets_no_task_of_another_one() -> None:
    cell_ground = ground()
    first, second = (cell_ground.of_learner(place, steps=0) for place in (0, 1))
    with pytest.raises(SplitViolation, match="a handle of another ground"):
        second.make_worlds(1).set_tasks(first.sample_tasks(1))
    with pytest.raises(SplitViolation, match="a test task with its parameters"):
        second.make_worlds(1).set_tasks([TASKS[1]])
    assert {handle.id for handle in first.sample_tasks(3)} == {0}


def test_a_learner_cannot_spend_what_others_leave() -> None:
    cell_ground = ground(budget=40)
    own = cell_ground.of_learner(0, steps=0)
    worlds = own.make_worlds(2)
    worlds.set_tasks(own.sample_tasks(2))
    worlds.reset()
    for _ in range(20):
        worlds.step(np.zeros((2, 2)))
    worlds.reset()
    with pytest.raises(BudgetExceeded, match="would pass the budget of 40"):
        worlds.step(np.zeros((2, 2)))
    assert (own.steps, cell_ground.steps) == (40, 40)
    assert cell_ground.of_learner(1, steps=0).steps == 0


def test_the_step_over_a_learners_segment_is_not_executed(tmp_path: Path) -> None:
    listener = support.Listener()
    with pytest.raises(AgentError, match="would pass this segment's end, 120"):
        run_cell(cell(misdeed="over budget"), tmp_path / "runs", reporter=listener)
    assert listener.most_steps == 120


def test_an_ordinary_ground_is_refused() -> None:
    agent = Plan.of(cell()).build_agent()
    with pytest.raises(ContractError, match="expected a ScratchGround"):
        agent.meta_train(ground().of_learner(0, steps=0), until=100, rng=np.random.default_rng(0))


# -- what is recorded --------------------------------------------------------------------------------------------------


def test_there_is_one_record_for_each_task_trial_and_episode(finished: Outcome) -> None:
    frame = load_results(finished.folder)
    assert len(frame) == 3 * 5 * 2
    assert not frame.duplicated(["checkpoint_steps", "task", "trial", "shot", "episode"]).any()
    assert set(frame["checkpoint_steps"]) == {120, 360, BUDGET}
    assert set(frame["task"]) == {task.index for task in TASKS}
    assert (set(frame["shot"]), set(frame["phase"]), set(frame["episode"])) == ({0}, {"evaluation"}, {0, 1})


def test_the_steps_of_all_learners_are_counted(finished: Outcome) -> None:
    manifest = read_manifest(finished.folder)
    assert (manifest.budget, manifest.steps) == (BUDGET, 5 * BUDGET)
    log = [json.loads(line) for line in (finished.folder / "training.jsonl").read_text().splitlines()]
    assert [line["steps"] for line in log][-1] == 5 * BUDGET
    assert {f"learner-{place}/mean" for place in range(5)} <= set(log[-1])


def test_learners_differ(finished: Outcome) -> None:
    weights = finished.folder / "checkpoints" / str(BUDGET) / "weights"
    assert len({path.read_text() for path in weights.glob("learner-*/mean.json")}) == 5


def test_a_learner_that_breaks_in_the_meta_test_costs_the_episodes(tmp_path: Path) -> None:
    outcome = run_cell(cell(misdeed="act raises"), tmp_path / "runs")
    assert (outcome.status, outcome.episodes_failed) == ("complete", 30)


@pytest.mark.parametrize("stop", [120, 500])
def test_a_run_that_was_stopped_ends_as_if_it_had_not(finished: Outcome, tmp_path: Path, stop: int) -> None:
    assert run_cell(cell(), tmp_path / "runs", until=stop).status == "partial"
    outcome = run_cell(cell(), tmp_path / "runs")
    assert outcome.resumed
    support.assert_same_end(finished, outcome)


# In the training of the third learner, and in the middle of a save point.
@pytest.mark.parametrize("fault", ["train/kill:240", "save-training/kill:360"])
def test_a_run_that_was_killed_ends_as_if_it_had_not(finished: Outcome, tmp_path: Path, fault: str) -> None:
    code = f"from tests.bench import test_scratch; test_scratch.main({str(tmp_path / 'runs')!r})"
    environment = {**os.environ, support.FAULT: fault, "PYTHONPATH": os.pathsep.join(["", *sys.path])}
    died = subprocess.run([sys.executable, "-c", code], cwd=support.REPOSITORY, env=environment, capture_output=True)
    assert died.returncode == -signal.SIGKILL, died.stderr
    outcome = run_cell(cell(), tmp_path / "runs")
    assert outcome.resumed
    support.assert_same_end(finished, outcome)


def main(out: str) -> None:
    know_small()
    run_cell(cell(), Path(out))


def test_learners_that_cannot_resume_live_on_between_segments(tmp_path: Path) -> None:
    outcome = run_cell(cell("test-learner-once"), tmp_path / "runs")
    assert (outcome.status, outcome.steps) == ("complete", 5 * BUDGET)


# -- from run to leaderboard -------------------------------------------------------------------------------------------


def test_weights_repeat_their_rows_under_their_own_rules_only(finished: Outcome) -> None:
    weights = finished.folder / "checkpoints" / str(BUDGET)
    frame = evaluate(weights)
    stored = load_results(finished.folder).query(f"checkpoint_steps == {BUDGET}").reset_index(drop=True)
    assert frame.equals(stored[frame.columns])
    with pytest.raises(ConfigError, match="tested on its own task only"):
        evaluate(weights, protocol="lite-v1")
    with pytest.raises(RecordError, match="trains an agent on each test task"):
        rerun(finished.folder, seed=0)


def test_weights_of_other_rules_are_not_taken_for_learners(reference: Outcome) -> None:
    with pytest.raises(ConfigError, match="tested on its own task only"):
        evaluate(reference.folder / "checkpoints" / "8000", protocol=SMALL.id)


def test_a_run_is_packed_verified_and_shown(finished: Outcome, tmp_path: Path) -> None:
    card = {"name": "Learners", "authors": ["Ada"], "division": "standard", "configurations_tried": 1}
    pack([finished.folder], tmp_path / "packed", card, weights=True)
    results = tmp_path / "results"
    results.mkdir()
    verdict = add(tmp_path / "packed", results)
    assert verdict.verdict == "verified", verdict

    board = leaderboard(load_results(results), load_cells(results))
    episodes = load_results(results)
    final = episodes[episodes["checkpoint_steps"] == BUDGET]
    assert board["score"].iloc[0] == pytest.approx(final["return"].mean())
    notes = " ".join(make_sheets(board)[0].notes)
    assert "agents frozen at 720 of 720 training steps" in notes
    (table,) = split_tables(board)
    for name, figure in (
        ("adaptation", figures.adaptation_curve(table)),
        ("within-trial", figures.within_trial_curve(table, load_within_trial(results))),
        ("sample-efficiency", figures.sample_efficiency_curve(table)),
    ):
        assert figures.save_figure(figure, tmp_path / name)[0].exists()
