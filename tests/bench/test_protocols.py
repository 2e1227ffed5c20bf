"""Protocols: resolved for a suite, and named by a digest."""

import dataclasses
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from metarl_bench import protocols
from metarl_bench.agents import Adaptation, AgentSpec
from metarl_bench.cells import Cell
from metarl_bench.errors import ConfigError, UnknownIdError
from metarl_bench.leaderboard import leaderboard
from metarl_bench.protocols import PROTOCOLS, ROML, Protocol, Published, find_published, get_protocol
from metarl_bench.records import find_runs, load_cells, load_results
from metarl_bench.registry import make_suite
from metarl_bench.report.sheets import make_sheets
from metarl_bench.runner import run_cell
from metarl_bench.submissions.add import add
from metarl_bench.submissions.pack import pack
from metarl_bench.testing import UntrainedAgent
from metarl_bench.trials import meta_test
from tests.bench import support

DENSE = make_suite("toy/point-robot-v1")
SPARSE = make_suite("toy/sparse-point-robot-v1")
LITE = get_protocol("lite-v1")
ML10_TEST_KINDS = ("drawer-open", "door-close", "shelf-place", "sweep-into", "lever-pull")


def test_an_unknown_protocol_is_answered_with_what_comes_near() -> None:
    with pytest.raises(UnknownIdError, match=r"Unknown protocol 'lite'\. Did you mean 'lite-v1'"):
        get_protocol("lite")


def test_ids_are_unique() -> None:
    assert len({protocol.id for protocol in PROTOCOLS}) == len(PROTOCOLS)


CASES = [
    pytest.param(protocol, suite, id=f"{protocol.id}-{suite.spec.id}")
    for protocol in PROTOCOLS
    for suite in ([make_suite(protocol.suite)] if protocol.suite else [DENSE, SPARSE])
]


@pytest.mark.parametrize(("protocol", "suite"), CASES)
def test_checkpoints_rise_to_the_budget(protocol: Protocol, suite) -> None:
    resolved = protocol.resolve(suite)

    unit = suite.spec.horizon * protocol.unit_episodes if protocol.unit_episodes else 1
    assert resolved.budget == (protocol.budget * unit if protocol.budget else suite.spec.budget)
    assert list(resolved.checkpoints) == sorted(set(resolved.checkpoints))
    assert resolved.checkpoints[-1] == resolved.budget


def test_lite_takes_two_trials_of_every_test_task() -> None:
    resolved = LITE.resolve(DENSE)

    assert resolved.tasks("test") == DENSE.tasks("test")
    assert resolved.trials_per_task("test") == 2
    assert resolved.trial.adaptation_episodes == 2


def test_fewer_tasks_are_spread_evenly_over_the_list() -> None:
    resolved = dataclasses.replace(LITE, num_tasks=3).resolve(SPARSE)

    assert [task.index for task in resolved.tasks("test")] == [5, 15, 25]


def test_the_primary_split_comes_first_and_train_tasks_are_the_same_for_everybody() -> None:
    first, second = LITE.resolve(DENSE), LITE.resolve(DENSE)

    assert first.splits == ("test", "train", "test_ood")
    assert first.tasks("train") == second.tasks("train")


def test_validation_has_a_digest_of_its_own() -> None:
    resolved = LITE.resolve(DENSE, primary_split="validation")

    assert resolved.splits[0] == "validation"
    assert "test" not in resolved.splits
    assert resolved.digest() != LITE.resolve(DENSE).digest()


@pytest.mark.parametrize(
    "change",
    [
        {"adaptation_episodes": 3},
        {"evaluation_episodes": 2},
        {"num_tasks": 15},
        {"num_trials": 90},
        {"checkpoints": (10_000,)},
        {"budget": 500_000},
        {"evaluation_actions": "sampled"},
        {"adaptation_actions": "deterministic"},
        {"score": "trial"},
        {"final_splits": ("train",)},
        {"seeds": (0, 1)},
        {"trains_on": "each-task"},
        {"unit_episodes": 2},
        {"id": "lite-v2"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_rule_changes_the_digest(change: dict[str, object]) -> None:
    changed = dataclasses.replace(LITE, **change)  # type: ignore[arg-type]

    assert changed.resolve(DENSE).digest() != LITE.resolve(DENSE).digest()


@pytest.mark.parametrize(
    "change",
    [{"purpose": "something else"}, {"published": ROML.published}, {"suite": DENSE.spec.id}],
    ids=lambda change: next(iter(change)),
)
def test_words_do_not_change_the_digest(change: dict[str, object]) -> None:
    assert dataclasses.replace(LITE, **change).resolve(DENSE).digest() == LITE.resolve(DENSE).digest()


def test_suites_have_digests_of_their_own() -> None:
    assert LITE.resolve(DENSE).digest() != LITE.resolve(SPARSE).digest()


@pytest.mark.parametrize("change", [{"horizon": 21}, {"failure_return": -102.0}, {"budget": 900_000}])
def test_what_a_suite_declares_changes_the_digest(change: dict[str, float]) -> None:
    other = dataclasses.replace(DENSE, spec=dataclasses.replace(DENSE.spec, **change))

    assert LITE.resolve(other).digest() != LITE.resolve(DENSE).digest()


def test_what_the_digest_covers_is_shown_in_full() -> None:
    covers = LITE.resolve(DENSE).covers()

    assert covers["suite"] == "toy/point-robot-v1"
    assert {split for split, _ in covers["task_hashes"]} == {"test", "train", "test_ood"}
    assert "selected" not in covers


# -- the digests of results that exist ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("protocol", "suite", "digest"),
    [
        ("lite-v1", "locomotion/cheetah-velocity-v1", "997fc26201fe0c90"),
        ("lite-v1", "toy/point-robot-v1", "af06a357dc4b1ad2"),
        ("smoke-v1", "toy/point-robot-v1", "6071b7dcb958d639"),
        ("scratch-v1", "locomotion/cheetah-velocity-v1", "bfafc2e732afc087"),
        ("paper/roml-cheetah-velocity-v1", "locomotion/cheetah-velocity-wide-obs20-v1", "e136f942fd784b1c"),
    ],
)
def test_the_rules_of_results_keep_their_digest(protocol: str, suite: str, digest: str) -> None:
    assert get_protocol(protocol).resolve(make_suite(suite)).digest() == digest


# -- published numbers -------------------------------------------------------------------------------------------------

# As the published ones, but small.
SMALL = dataclasses.replace(
    ROML,
    id="paper/small-point-robot-v1",
    num_tasks=3,
    num_trials=6,
    checkpoints=(600,),
    budget=1_200,
    suite=DENSE.spec.id,
    published=(Published(agent="test-learner", steps=1_200, score=-20.0, band=5.0, source="a figure"),),
)


def test_a_published_number_is_for_its_suite_alone() -> None:
    with pytest.raises(ConfigError, match=r"got the suite toy/point-robot-v1; expected locomotion/cheetah-velocity-wi"):
        ROML.resolve(DENSE)


@pytest.mark.parametrize("protocol", [p for p in PROTOCOLS if p.published], ids=lambda protocol: protocol.id)
def test_published_numbers_belong_to_checkpoints(protocol: Protocol) -> None:
    assert protocol.suite is not None
    steps = [published.steps for published in protocol.published]
    assert set(steps) <= set(protocol.resolve(make_suite(protocol.suite)).checkpoints)
    assert steps == sorted(steps)
    assert steps[-1] == protocol.budget


def test_roml_counts_two_online_episodes_and_nothing_else() -> None:
    assert ROML.suite is not None
    resolved = ROML.resolve(make_suite(ROML.suite))
    # What agents take the length of a training trial from.
    assert (resolved.trial.adaptation_episodes, resolved.trial.evaluation_episodes) == (2, 0)
    assert resolved.score == "trial"
    assert resolved.checkpoints == (3_200_000, 4_800_000, 6_400_000)


def test_meta_world_tests_40_goals_of_each_kind() -> None:
    protocol = get_protocol("paper/metaworld-ml10-v1")
    assert protocol.suite is not None
    resolved = protocol.resolve(make_suite(protocol.suite))
    assert Counter(task["kind"] for task in resolved.tasks("test")) == dict.fromkeys(ML10_TEST_KINDS, 40)
    assert resolved.trials_per_task("test") == 1
    assert (resolved.trial.adaptation_episodes, resolved.trial.evaluation_episodes) == (10, 3)
    assert len(resolved.checkpoints) <= 3
    assert resolved.measure == "success"


def test_a_published_number_is_found_by_its_checkpoint() -> None:
    found = find_published(ROML.id, 6_400_000)
    assert found is not None
    assert (found.score, found.lowest) == (-138.0, -163.0)
    assert find_published(ROML.id, 6_400_001) is None
    assert find_published("lite-v1", 4_000_000) is None


class Noting(UntrainedAgent):
    """Notes with what actions each episode is asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, bool]] = []

    def start_trials(self, num_worlds: int, **_: object) -> Adaptation:
        return NotingInTrial(self.asked, num_worlds)


class NotingInTrial(Adaptation):
    def __init__(self, asked: list[tuple[str, bool]], num_worlds: int) -> None:
        self._asked, self._num_worlds = asked, num_worlds

    def begin_episode(self, observations: np.ndarray, *, episode: int, phase: str) -> None:
        self._phase = phase

    def act(self, observations: np.ndarray, *, active: np.ndarray, explore: bool) -> np.ndarray:
        if (self._phase, explore) not in self._asked:
            self._asked.append((self._phase, explore))
        return np.zeros((self._num_worlds, 2))

    def fork(self) -> Adaptation:
        return NotingInTrial(self._asked, self._num_worlds)


@pytest.mark.parametrize(
    ("protocol", "asked"),
    [(SMALL, [("adaptation", False)]), (LITE, [("evaluation", False), ("adaptation", True)])],
    ids=["paper", "lite"],
)
def test_the_protocol_decides_how_adaptation_episodes_are_played(
    protocol: Protocol, asked: list[tuple[str, bool]]
) -> None:
    agent = Noting()
    spec = AgentSpec(id="noting", kind="reference", summary="", factory="", config="")
    meta_test(agent, spec, DENSE, protocol.resolve(DENSE), split="test", seed=0, checkpoint=0)
    assert agent.asked == asked


def test_a_published_number_goes_all_the_way_from_run_to_leaderboard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocols, "PROTOCOLS", (*PROTOCOLS, SMALL))
    cell = Cell(protocol=SMALL.id, suite=DENSE.spec.id, agent=support.cell().agent, seed=0)
    assert run_cell(cell, tmp_path / "runs").status == "complete"
    (run,) = find_runs([tmp_path / "runs"])
    assert run.relative_to(tmp_path / "runs").parts[:4] == (*SMALL.id.split("/"), *DENSE.spec.id.split("/"))

    card = {"name": "A learner", "authors": ["Ada"], "division": "standard", "configurations_tried": 1}
    pack([run], tmp_path / "packed", card)
    results = tmp_path / "results"
    results.mkdir()
    assert add(tmp_path / "packed", results).verdict == "verified"

    board = leaderboard(load_results(results), load_cells(results))
    episodes = load_results(results)
    final = episodes[(episodes["checkpoint_steps"] == 1_200) & (episodes["split"] == "test")]
    assert set(final["phase"]) == {"adaptation"}
    assert board["score"].iloc[0] == pytest.approx(final["return"].mean())
    notes = " ".join(make_sheets(board)[0].notes)
    assert "Published: test-learner -20.0 at 1,200 steps; -25.0 or more agrees with it. Source: a figure." in notes
