import json
from pathlib import Path

import mujoco
import numpy as np
import pytest

import metarl_bench as mb
from metarl_bench.cells import Cell, Plan
from metarl_bench.errors import (
    AgentError,
    BudgetExceeded,
    ConfigError,
    ContractError,
    RecordError,
    SplitViolation,
    UnknownIdError,
)
from metarl_bench.records import load_results, read_manifest
from metarl_bench.runner import Outcome, evaluate, run_cell
from metarl_bench.simulator_log import simulator_warnings
from metarl_bench.storage import digest
from tests.bench import support


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return support.go(tmp_path_factory.mktemp("runner") / "runs")


def test_a_run_folder_holds_what_the_design_says(finished: Outcome) -> None:
    assert finished.status == "complete"
    assert finished.folder.parts[-5:] == ("smoke-v1", "toy", "point-robot-v1", "test-learner", "seed-0")
    names = {path.name for path in finished.folder.iterdir() if not path.name.startswith(".")}
    tables = {"episodes.parquet", "within_trial.parquet", "training.jsonl"}
    assert names == {"manifest.json", "checkpoints", "evidence"} | tables
    assert sorted(path.name for path in (finished.folder / "checkpoints").iterdir()) == ["4000", "8000"]
    evidence = {str(path.relative_to(finished.folder)) for path in (finished.folder / "evidence").rglob("*.*")}
    assert evidence == {f"evidence/8000/{split}.safetensors" for split in ("test", "train", "test_ood")}
    checksums = read_manifest(finished.folder).checksums
    assert all(checksums[name] == digest(finished.folder / name) for name in evidence)


def test_the_same_cell_gives_the_same_bytes_twice(finished: Outcome, tmp_path: Path) -> None:
    assert support.table_bytes(support.go(tmp_path)) == support.table_bytes(finished)


def test_the_order_of_hashes_changes_nothing(
    finished: Outcome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONHASHSEED", "7")
    assert support.go_in_process(tmp_path).returncode == 0
    assert support.result_bytes(support.run_folder(tmp_path)) == support.result_bytes(finished.folder)


def test_another_seed_gives_other_bytes(finished: Outcome, tmp_path: Path) -> None:
    other = run_cell(support.cell(seed=1), tmp_path)
    assert support.table_bytes(other) != support.table_bytes(finished)


def test_the_number_of_physics_threads_changes_nothing(tmp_path: Path) -> None:
    cell = Cell(protocol="smoke-v1", suite="locomotion/cheetah-velocity-v1", agent="test-learner", seed=0)
    outcomes = [run_cell(cell, tmp_path / str(threads), num_threads=threads, until=4000) for threads in (1, 2)]
    assert support.table_bytes(outcomes[0]) == support.table_bytes(outcomes[1])


def test_the_training_log_has_a_line_a_boundary(finished: Outcome) -> None:
    lines = [json.loads(line) for line in (finished.folder / "training.jsonl").read_text().splitlines()]
    assert [line["boundary"] for line in lines] == list(Plan.of(support.cell()).boundaries)
    assert all(line["undefined"] is None and isinstance(line["mean"], float) for line in lines)


def test_boundaries_are_checkpoints_and_every_five_percent() -> None:
    plan = Plan.of(Cell(protocol="lite-v1", suite=support.SUITE, agent="random", seed=0))
    # The suite's budget is 4 million, so every five percent are 200 thousand steps.
    assert plan.boundaries[:6] == (10_000, 30_000, 100_000, 200_000, 300_000, 400_000)
    assert plan.boundaries[-1] == 4_000_000


def test_evaluating_weights_repeats_the_rows_of_the_run(finished: Outcome) -> None:
    frame = evaluate(finished.folder / "checkpoints" / "8000")
    stored = load_results(finished.folder).query("checkpoint_steps == 8000").reset_index(drop=True)
    assert frame.equals(stored[frame.columns])


def test_weights_are_evaluated_under_another_protocol(finished: Outcome) -> None:
    frame = evaluate(finished.folder / "checkpoints" / "4000", protocol="lite-v1")
    assert set(frame.shot) == {0, 1, 2}
    assert set(frame.protocol) == {"lite-v1"}


def test_weights_are_refused_on_other_spaces(finished: Outcome) -> None:
    with pytest.raises(ConfigError, match="observation space"):
        evaluate(finished.folder / "checkpoints" / "4000", suite="locomotion/cheetah-velocity-v1")


def test_a_folder_without_weights_is_refused(finished: Outcome) -> None:
    with pytest.raises(RecordError, match="expected a checkpoint"):
        evaluate(finished.folder)


def test_keep_weights_final_drops_the_older_ones(tmp_path: Path) -> None:
    outcome = support.go(tmp_path, keep_weights="final")
    assert [path.name for path in (outcome.folder / "checkpoints").iterdir()] == ["8000"]
    assert "checkpoints/4000" not in read_manifest(outcome.folder).checksums


def test_a_run_stops_at_the_last_boundary_within_until(tmp_path: Path) -> None:
    outcome = support.go(tmp_path, until=4399)
    assert (outcome.status, outcome.steps) == ("partial", 3960)


@pytest.mark.parametrize(("seed", "split"), [(1000, "test"), (999, "validation"), (-1, "test"), (0, "train")])
def test_seeds_of_results_never_choose_settings(seed: int, split: str) -> None:
    with pytest.raises(ConfigError, match="expected"):
        Cell(protocol="smoke-v1", suite=support.SUITE, agent="random", seed=seed, primary_split=split)


def test_a_validation_cell_lies_apart_and_tests_validation_tasks(tmp_path: Path) -> None:
    cell = Cell(protocol="smoke-v1", suite=support.SUITE, agent="random", seed=1000, primary_split="validation")
    outcome = run_cell(cell, tmp_path)
    assert outcome.folder.parts[-5] == "smoke-v1-validation"
    frame = load_results(tmp_path)
    assert set(frame[frame.checkpoint_steps == 4000].split) == {"validation"}
    assert "test" not in set(frame.split)


@pytest.mark.parametrize("part", ["protocol", "suite", "agent"])
def test_an_unknown_id_is_refused_before_anything_is_written(tmp_path: Path, part: str) -> None:
    names = {"protocol": "smoke-v1", "suite": support.SUITE, "agent": "random"}
    names[part] = names[part][:-1] + "x"
    with pytest.raises(UnknownIdError, match=f"Did you mean .*'{'smoke-v1' if part == 'protocol' else ''}"):
        mb.run(**names, out=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_a_bad_setting_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="rate"):
        run_cell(support.cell(rate="fast"), tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("misdeed", "cause", "said"),
    [
        ("over budget", BudgetExceeded, "would pass this segment's end, 400"),
        ("test task", SplitViolation, "Training got a test task"),
        ("nan action", ContractError, "NaN"),
        ("training raises", ZeroDivisionError, "divided by nothing"),
    ],
)
def test_a_failing_training_is_recorded_with_its_traceback(
    tmp_path: Path, misdeed: str, cause: type[Exception], said: str
) -> None:
    cell = support.cell(misdeed=misdeed)
    with pytest.raises(AgentError, match=said) as caught:
        run_cell(cell, tmp_path)
    assert isinstance(caught.value.__cause__, cause)
    assert "training.jsonl" in str(caught.value)
    manifest = read_manifest(cell.folder(tmp_path))
    assert manifest.status == "failed"
    assert said in manifest.failure
    assert 'File "/' not in manifest.failure


@pytest.mark.parametrize(
    ("agent", "settings"),
    [
        ("rl2", {"num_worlds": 81, "steps": 100}),
        ("multitask-ppo", {"num_worlds": 32, "steps": 251}),
        ("maml", {"num_worlds": 201}),
        ("sb3-ppo", {"num_worlds": 1001, "steps": 8, "batch": 8008}),
    ],
)
def test_an_agent_whose_batch_is_larger_than_the_budget_is_refused(
    agent: str, settings: dict[str, int], tmp_path: Path
) -> None:
    with pytest.raises(AgentError, match=r"An iteration takes 8,[01]\d\d steps, and the whole budget is 8,000"):
        run_cell(support.cell(agent, **settings), tmp_path)


def test_the_step_over_budget_is_not_executed(tmp_path: Path) -> None:
    listener = support.Listener()
    with pytest.raises(AgentError, match="after 400 steps"):
        run_cell(support.cell(misdeed="over budget"), tmp_path, reporter=listener)
    assert listener.most_steps == 400


def test_an_agent_that_seeds_global_streams_changes_nothing(finished: Outcome, tmp_path: Path) -> None:
    outcome = run_cell(support.cell(misdeed="global seeds"), tmp_path)
    assert support.table_bytes(outcome) == support.table_bytes(finished)


def test_an_agent_that_raises_in_the_meta_test_fails_its_episodes_only(tmp_path: Path) -> None:
    outcome = run_cell(support.cell(misdeed="act raises"), tmp_path)
    frame = load_results(tmp_path)
    assert outcome.status == "complete"
    assert outcome.episodes_failed == len(frame) == frame.failed.sum()
    assert set(frame["return"]) == {-101.0}
    (error,) = read_manifest(outcome.folder).errors
    assert "the policy is broken" in error
    assert 'File "/' not in error


def test_simulator_warnings_go_into_the_run_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "run").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    model = mujoco.MjModel.from_xml_string(
        "<mujoco><worldbody><body><joint name='j' type='slide'/><geom size='1'/></body></worldbody>"
        "<actuator><motor joint='j'/></actuator></mujoco>"
    )
    data = mujoco.MjData(model)
    with simulator_warnings(tmp_path / "run"):
        data.ctrl[:] = np.inf
        mujoco.mj_step(model, data)
    assert "unstable" in (tmp_path / "run" / "MUJOCO_LOG.TXT").read_text()
    assert list((tmp_path / "here").iterdir()) == []


def test_the_public_face_lists_what_there_is() -> None:
    assert support.SUITE in mb.list_suites()
    assert "random" in mb.list_agents()
    assert "lite-v1" in mb.list_protocols()
    assert mb.make_suite(support.SUITE).spec.id == support.SUITE
    with pytest.raises(AttributeError, match="nothing"):
        _ = mb.nothing
