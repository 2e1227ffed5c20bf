"""Rows that are run again with fresh seeds, and trained agents that are tested again on fresh tasks."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from metarl_bench.agents import Adaptation, AgentSpec, MetaAgent
from metarl_bench.cells import Cell, Plan
from metarl_bench.cli import main
from metarl_bench.errors import ConfigError, ContractError, RecordError
from metarl_bench.fresh_tasks import fresh_tasks, rerun
from metarl_bench.leaderboard import leaderboard
from metarl_bench.protocols import get_protocol
from metarl_bench.records import (
    EPISODES,
    checksum,
    load_cells,
    load_results,
    read_manifest,
    read_rows,
    write_manifest,
    write_rows,
)
from metarl_bench.registry import AGENTS, make_suite
from metarl_bench.reproduction import find_row
from metarl_bench.runner import run_cell
from metarl_bench.statistics import permutation_p_value, smallest_p_value
from tests.bench import support
from tests.bench.support import SUITE

ROW = ("--protocol", "smoke-v1", "--suite", SUITE, "--agent")
FRESH_SEEDS = range(100, 108)  # the fewest that can differ from the two of smoke-v1


@dataclass(frozen=True)
class NoSettings:
    pass


class Memoriser(MetaAgent):
    """Knows the goals of the frozen test list by heart, and in which order the worlds stand."""

    def __init__(self, suite: object, trial: object, config: object, rng: object) -> None:
        pass

    def meta_train(self, ground: object, *, until: int, rng: object) -> None:
        pass

    def start_trials(self, num_worlds: int, *, rng: object, privileged: object = None) -> Adaptation:
        return Recital(num_worlds)

    def save(self, folder: Path) -> None:
        pass

    def load(self, folder: Path) -> None:
        pass


class Recital(Adaptation):
    def __init__(self, num_worlds: int) -> None:
        tasks = make_suite(SUITE).tasks("test")
        trials = num_worlds // len(tasks)
        self.goals = np.array([(task.number("goal_x"), task.number("goal_y")) for task in tasks]).repeat(trials, axis=0)

    def act(self, observations: np.ndarray, *, active: np.ndarray, explore: bool) -> Any:
        return np.clip((self.goals - observations) / 0.1, -1, 1)


class Choosy(Memoriser):
    """Loads any weights but its own."""

    def load(self, folder: Path) -> None:
        if folder.parent.name == "100000" and "copy" in str(folder):
            raise KeyError("network")


class Forgetful(Memoriser):
    """Cannot play any more once its run has moved."""

    def load(self, folder: Path) -> None:
        self.moved = "copy" in str(folder)

    def start_trials(self, num_worlds: int, *, rng: object, privileged: object = None) -> Adaptation:
        if self.moved:
            raise RuntimeError("no idea what to do")
        return Recital(num_worlds)


for kind in (Memoriser, Choosy, Forgetful):
    AGENTS.register(
        AgentSpec(
            id=f"test-{kind.__name__.lower()}",
            kind="reference",
            summary="for tests",
            factory=f"{__name__}:{kind.__name__}",
            config=f"{__name__}:NoSettings",
        )
    )


def run_all(out: Path, protocol: str, agent: str, seeds: Sequence[int], **config: object) -> Path:
    for seed in seeds:
        run_cell(Cell(protocol=protocol, suite=SUITE, agent=agent, seed=seed, config=tuple(config.items())), out)
    return out


def rewrite(folder: Path, change: Callable[[dict[str, Any]], None], **manifest_values: object) -> None:
    """Changes recorded episodes, with checksums that match, as somebody who means to cheat would."""
    manifest = read_manifest(folder)
    rows = read_rows(folder, EPISODES, manifest)
    for row in rows:
        change(row)
    write_rows(folder, EPISODES, rows)
    checksums = {**manifest.checksums, EPISODES: checksum(EPISODES, rows)}
    write_manifest(folder, manifest.model_copy(update={"checksums": checksums, **manifest_values}))


def keep(row: dict[str, Any]) -> None:
    pass


def improve(row: dict[str, Any]) -> None:
    row["return"] += 50.0


def copied(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "copy"))


# -- the permutation test ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ([1.0, 2.0, 3.0], [4.0, 5.0, 6.0], 0.1),  # 2 of the 20 ways to deal six labels
        ([4.0, 5.0, 6.0], [1.0, 2.0, 3.0], 0.1),
        ([1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0], 2 / 70),
        ([1.0, 2.0, 4.0], [3.0, 5.0, 6.0], 0.2),  # one way is more extreme on either side
        ([7.0, 7.0], [7.0, 7.0, 7.0], 1.0),
    ],
)
def test_known_p_values(first: list[float], second: list[float], expected: float) -> None:
    assert permutation_p_value(first, second, rng=np.random.default_rng(0)) == pytest.approx(expected)


def test_small_groups_are_counted_exactly() -> None:
    rng = np.random.default_rng(1)
    first, second = rng.normal(size=4), rng.normal(1.0, size=5)
    pooled = np.concatenate([first, second])
    wholes = [pooled[list(some)].mean() for some in itertools.combinations(range(9), 4)]
    below = np.mean([mean <= first.mean() + 1e-12 for mean in wholes])
    above = np.mean([mean >= first.mean() - 1e-12 for mean in wholes])
    assert permutation_p_value(first, second, rng=rng) == pytest.approx(2 * min(below, above))


@pytest.mark.parametrize(("first", "second"), [(2, 3), (3, 3), (3, 10), (10, 10), (30, 30)])
def test_no_difference_has_a_p_value_below_the_smallest(first: int, second: int) -> None:
    scores = np.arange(first + second, dtype=np.float64)
    scores[first:] += 1000
    found = permutation_p_value(scores[:first], scores[first:], rng=np.random.default_rng(0))
    assert found == pytest.approx(smallest_p_value(first, second), rel=0.01 if first + second < 15 else 2.0)
    assert found >= smallest_p_value(first, second) * (1 - 1e-9)


def test_a_single_score_is_refused() -> None:
    with pytest.raises(ContractError, match="got 1 and 2 scores; expected two or more in each group"):
        permutation_p_value([1.0], [1.0, 2.0], rng=np.random.default_rng(0))


# -- reproduce ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seeds of the random agent and of the learner; a third seed, which is no seed of the protocol; to be kept."""
    out = tmp_path_factory.mktemp("row") / "results"
    run_all(out, "smoke-v1", "random", (0, 1, 7))
    return run_all(out, "smoke-v1", "test-learner", (0, 1), rate=0.2)


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of the random agent with fresh seeds."""
    return run_all(tmp_path_factory.mktemp("fresh") / "runs", "smoke-v1", "random", FRESH_SEEDS)


def test_a_learner_is_reproduced_with_its_own_settings(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, file = tmp_path / "runs", tmp_path / "new" / "found.json"
    words = ["reproduce", str(results), *ROW, "test-learner", "--seeds", "101", "100", "102"]
    words += ["--out", str(out), "--threads", "1", "--json", str(file)]
    assert main(words) == 0
    text = capsys.readouterr().out
    assert "verdict: agrees" in text
    assert "the smallest that 2 against 3 seeds can give is 0.2\n" in text
    assert "could be told from chance with so few seeds" in text
    assert "Against 2 seeds it takes 8 fresh ones or more" in text
    manifests = {seed: read_manifest(support.cell(seed=seed).folder(out)) for seed in (100, 101, 102)}
    assert {manifest.config["rate"] for manifest in manifests.values()} == {0.2}
    found = json.loads(file.read_text())
    assert found["agrees"] is True
    assert found["can_differ"] is False
    assert list(found["fresh"]["scores"]) == ["100", "101", "102"]
    assert found["difference"] == pytest.approx(found["fresh"]["mean"] - found["row"]["mean"])

    before = support.table_bytes(support.cell(seed=100).folder(out))
    again = tmp_path / "again.json"
    assert main([*words[:-1], str(again)]) == 0
    assert again.read_text() == file.read_text()
    assert support.table_bytes(support.cell(seed=100).folder(out)) == before


def test_the_row_is_that_of_the_leaderboard(results: Path) -> None:
    row = find_row(results, protocol="smoke-v1", suite=SUITE, agent="random").stored
    board = leaderboard(load_results(results), load_cells(results))
    (shown,) = board[board["agent"] == "random"].to_dict("records")
    assert row.seeds == shown["seeds"] == (0, 1)
    assert row.scores == shown["score_by_seed"]
    assert row.iqm == shown["score"]
    assert row.interval == (shown["low"], shown["high"])


def reproduce(root: Path, out: Path, seeds: Sequence[int], *words: str, agent: str = "random") -> int:
    return main(["reproduce", str(root), *ROW, agent, "--seeds", *map(str, seeds), "--out", str(out), *words])


def test_enough_seeds_agree_without_a_warning(results: Path, fresh: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert reproduce(results, fresh, FRESH_SEEDS) == 0
    text = capsys.readouterr().out
    assert "verdict: agrees" in text
    assert "so few seeds" not in text


def test_a_row_that_was_improved_differs(
    results: Path, fresh: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = copied(results, tmp_path)
    for seed in (0, 1):
        rewrite(support.cell("random", seed=seed).folder(copy), improve)
    assert reproduce(copy, fresh, FRESH_SEEDS) == 1
    text = capsys.readouterr().out
    assert "intervals: do not overlap" in text
    assert "p-value: 0.0444" in text
    assert "verdict: differs" in text


@pytest.mark.parametrize(
    ("seeds", "words", "message"),
    [
        ([1, 100], ["--agent", "random"], "--seeds got 1, which the row holds; expected fresh seeds, other than 0 1."),
        ([100, 1000], ["--agent", "random"], "The seed is 1000; expected 0 to 999"),
        ([100], ["--agent", "random"], "--seeds got 100; expected two or more, each once."),
        ([100, 100], ["--agent", "random"], "--seeds got 100 100; expected two or more, each once."),
        ([100, 101], ["--agent", "randon"], "has no results of agent 'randon'. Did you mean 'random'?"),
        ([100, 101], ["--agent", "random", "--protocol", "lite-v1"], "has no results of protocol 'lite-v1'."),
        ([100, 101], ["--agent", "random", "--config-digest", "xyz"], "got xyz, which fits 0 configurations"),
    ],
)
def test_bad_input_is_refused_before_anything_runs(
    seeds: list[int], words: list[str], message: str, results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    protocol = [] if "--protocol" in words else ["--protocol", "smoke-v1"]
    line = ["reproduce", str(results), "--suite", SUITE, *protocol, *words, "--seeds"]
    assert main([*line, *map(str, seeds), "--out", str(tmp_path / "runs")]) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_several_configurations_are_told_apart_by_their_digests(results: Path, tmp_path: Path) -> None:
    copy = copied(results, tmp_path)
    run_all(copy / "other", "smoke-v1", "test-learner", (0, 1))
    wanted: dict[str, str] = {"protocol": "smoke-v1", "suite": SUITE, "agent": "test-learner"}
    with pytest.raises(ConfigError, match="got nothing, which fits 2 configurations; expected the beginning of one of"):
        find_row(copy, **wanted)
    for digest in set(load_cells(copy).query("agent == 'test-learner'")["config_digest"]):
        row = find_row(copy, **wanted, digest=digest[:6])
        assert row.plan.manifest(1).config_digest == digest


def test_a_row_of_one_seed_or_of_two_sources_is_refused(results: Path, tmp_path: Path) -> None:
    copy = copied(results, tmp_path)
    shutil.copytree(support.cell("random").folder(results), copy / "twice")
    with pytest.raises(ConfigError, match="runs of the seeds 0 1 0; expected two or more, each once"):
        find_row(copy, protocol="smoke-v1", suite=SUITE, agent="random")
    shutil.rmtree(copy / "twice")
    shutil.rmtree(support.cell("random", seed=1).folder(copy))
    with pytest.raises(ConfigError, match="runs of the seeds 0; expected two or more"):
        find_row(copy, protocol="smoke-v1", suite=SUITE, agent="random")
    shutil.rmtree(support.cell("random").folder(copy))
    with pytest.raises(ConfigError, match="has no complete run of random on the test tasks"):
        find_row(copy, protocol="smoke-v1", suite=SUITE, agent="random")


def test_a_cell_that_fails_is_no_verdict(results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_all(tmp_path / "runs", "smoke-v1", "test-learner", (100,), rate=0.3)
    assert reproduce(results, tmp_path / "runs", (100, 101), agent="test-learner") == 2
    streams = capsys.readouterr()
    assert "expected a complete run" in streams.err
    assert "config.rate: 0.3 in the folder, 0.2 now" in streams.err
    assert "verdict" not in streams.out


# -- fresh tasks -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suite", [SUITE, "locomotion/cheetah-velocity-v1"])
def test_other_tasks_are_other_rules_for_their_split_alone(suite: str) -> None:
    resolved = get_protocol("lite-v1").resolve(make_suite(suite))
    tasks = fresh_tasks(make_suite(suite), 5, seed=3)
    changed = resolved.with_tasks("test", tasks)
    assert changed.tasks("test") == tuple(tasks)
    assert [task.index for task in tasks] == [0, 1, 2, 3, 4]
    assert changed.tasks("train") == resolved.tasks("train")
    assert changed.digest() != resolved.digest()
    assert resolved.with_tasks("test", resolved.tasks("test")).digest() == resolved.digest()
    assert dict(changed.task_counts)["test"] == 5


def test_the_seed_names_the_fresh_tasks() -> None:
    suite = make_suite(SUITE)
    assert fresh_tasks(suite, 3, seed=1) == fresh_tasks(suite, 3, seed=1)
    assert fresh_tasks(suite, 3, seed=1) != fresh_tasks(suite, 3, seed=2)


@pytest.mark.parametrize("suite", ["locomotion/cheetah-direction-v1", "manipulation/ml10-v1"])
def test_a_suite_that_can_only_give_training_tasks_has_no_fresh_ones(suite: str) -> None:
    with pytest.raises(RecordError, match=r"has \d+ training tasks and no others"):
        fresh_tasks(make_suite(suite), 5, seed=3)


# -- rerun -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An honest run with thirty test tasks; to be left as it is."""
    out = run_all(tmp_path_factory.mktemp("trained") / "runs", "low-data-v1", "random", (0,))
    return low_data("random").folder(out)


def low_data(agent: str) -> Cell:
    return Cell(protocol="low-data-v1", suite=SUITE, agent=agent, seed=0)


def test_an_honest_agent_passes_and_the_printed_seed_repeats_it(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["rerun", str(trained.parents[3]), "--seed", "4", "--threads", "1"]) == 0
    text = capsys.readouterr().out
    assert "--seed 4," in text
    assert text.splitlines()[-1] == "1 runs: 0 clearly worse on fresh tasks, 0 could not be checked"
    assert main(["rerun", str(trained), "--seed", "4"]) == 0
    assert capsys.readouterr().out == text
    assert rerun(trained, seed=5).fresh != rerun(trained, seed=4).fresh


def test_without_a_seed_the_tasks_are_new_each_time(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        main(["rerun", str(trained)])
    seeds = [line for line in capsys.readouterr().out.splitlines() if "--seed" in line]
    assert len(set(seeds)) == 2


def test_an_agent_that_knows_the_test_list_by_heart_is_flagged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = run_all(tmp_path / "runs", "low-data-v1", "test-memoriser", (0,))
    assert main(["rerun", str(out), "--seed", "4"]) == 1
    text = capsys.readouterr().out
    assert "<- CLEARLY WORSE" in text
    assert "1 runs: 1 clearly worse on fresh tasks, 0 could not be checked" in text


def test_records_that_are_better_than_the_weights_are_flagged_and_worse_ones_are_not(
    trained: Path, tmp_path: Path
) -> None:
    copy = copied(trained, tmp_path)
    rewrite(copy, improve)
    found = rerun(copy, seed=4)
    assert found.flagged
    assert found.difference == pytest.approx(rerun(trained, seed=4).difference - 50)
    for _ in range(2):
        rewrite(copy, lambda row: row.update({"return": row["return"] - 50}))
    found = rerun(copy, seed=4)
    assert found.p_value < 0.01
    assert not found.flagged


def without_weights(folder: Path) -> None:
    shutil.rmtree(folder / "checkpoints")


def other_weights(folder: Path) -> None:
    (folder / "checkpoints/100000/checksums.json").write_text("{}")


def damaged_weights(folder: Path) -> None:
    (folder / "checkpoints/100000/weights/more.pkl").write_bytes(b"")


def damaged_rows(folder: Path) -> None:
    (folder / EPISODES).write_bytes(b"")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (without_weights, "It holds no weights in checkpoints/100000"),
        (other_weights, "checkpoints/100000 does not match its checksum in manifest.json"),
        (damaged_weights, "is corrupt: weights/more.pkl differs from its checksum"),
        (damaged_rows, "episodes.parquet cannot be read"),
        (lambda folder: rewrite(folder, keep, agent="somebodys"), "Unknown agent 'somebodys'"),
        (lambda folder: rewrite(folder, keep, suite="some/where-v1"), "Unknown suite 'some/where-v1'"),
        (lambda folder: rewrite(folder, keep, digest="0" * 16), "the digest of the rules is 0000000000000000 in the"),
        (lambda folder: rewrite(folder, keep, config_digest="0"), "the digest of the configuration is 0 in the run"),
        (lambda folder: rewrite(folder, keep, status="partial"), "The run is partial; expected a complete one"),
        (lambda folder: rewrite(folder, lambda row: row.update(trial=0)), "duplicate episodes; expected one that is"),
        (lambda folder: (folder / "manifest.json").write_text("{"), "is not a manifest that this version reads"),
    ],
)
def test_what_cannot_be_checked_is_neither_passed_nor_flagged(
    damage: Callable[[Path], object], message: str, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = copied(trained, tmp_path)
    damage(copy)
    assert main(["rerun", str(copy), str(trained), "--seed", "4"]) == 2
    streams = capsys.readouterr()
    assert streams.err.startswith(f"could not check {copy}: ")
    assert message in streams.err
    assert "2 runs: 0 clearly worse on fresh tasks, 1 could not be checked" in streams.out


@pytest.mark.parametrize(
    ("agent", "message"),
    [
        ("test-choosy", r"test-choosy cannot load .*: KeyError\('network'\); expected its own weights"),
        ("test-forgetful", "test-forgetful raised on fresh tasks: RuntimeError: no idea what to do"),
    ],
)
def test_an_agent_that_breaks_is_not_accused(agent: str, message: str, tmp_path: Path) -> None:
    out = run_all(tmp_path / "runs", "low-data-v1", agent, (0,))
    with pytest.raises(RecordError, match=message):
        rerun(low_data(agent).folder(copied(out, tmp_path)), seed=4)


def test_a_list_that_is_too_short_to_tell_is_said_to_be(results: Path) -> None:
    with pytest.raises(RecordError, match=r"3 tasks against 3 have no p-value below 0\.1; expected more"):
        rerun(support.cell("random").folder(results), seed=4)


def test_folders_without_runs_are_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rerun", str(tmp_path)]) == 2
    assert "holds no manifest.json; expected run folders" in capsys.readouterr().err
    assert main(["rerun"]) == 2
    assert "No folder was given" in capsys.readouterr().err


def test_a_stored_run_has_the_plan_it_was_made_by(trained: Path) -> None:
    manifest = read_manifest(trained)
    plan = Plan.of_run(manifest)
    assert plan.cell == low_data("random")
    assert plan.resolved.digest() == manifest.digest
