import dataclasses

import numpy as np
import pandas as pd
import pytest

from metarl_bench.errors import ConfigError, RecordError
from metarl_bench.leaderboard import COLUMNS, leaderboard, references_hash, split_tables
from metarl_bench.registry import SUITES
from tests.bench.frames import REFERENCES, SUITE, Place, Runs, make_frames, rules, synthetic_suite

__all__ = ["synthetic_suite"]

TEN = range(10)


def learner(place: Place) -> float:
    """Returns -200 at 10 k steps and -80 at the end, 10 more per shot, 1 more per seed, 2 more per task."""
    by_steps = {10_000: -200.0, 1_000_000: -100.0, 4_000_000: -80.0}[place.steps]
    elsewhere = {"test": 0.0, "train": 5.0, "test_ood": -30.0, "validation": 100.0}[place.split]
    return by_steps + elsewhere + 10 * place.shot + place.seed + 2 * place.task


def make_board(*runs: Runs, protocol=None, **options) -> pd.DataFrame:
    results, _, cells = make_frames(runs, protocol)
    return leaderboard(results, cells, **options)


@pytest.mark.usefixtures("synthetic_suite")
def test_one_row_holds_the_known_answers():
    row = make_board(Runs("rl2", learner)).iloc[0]
    assert list(row.index) == COLUMNS
    assert row["seeds"] == (0, 1, 2)
    assert row["score_by_seed"] == (-58.0, -57.0, -56.0)  # -80 + 20 + 2 (mean over tasks 0, 2, 4) + seed
    assert row["score"] == -57.0
    assert row["shots"] == (-77.0, -67.0, -57.0)
    assert row["gain"] == 20.0
    assert row["online"] == (-77.0, -67.0)
    assert (row["low"], row["high"]) == (-58.0, -56.0)  # three seeds: from the lowest to the highest
    assert (row["shots_low"][-1], row["shots_high"][-1]) == (row["low"], row["high"])
    assert row["normalised"] == pytest.approx((-57.0 + 300.0) / 250.0)
    assert row["references"] == references_hash(REFERENCES)
    assert row["worst_decile"] == -59.0
    assert (row["train"], row["train_gap"]) == (-52.0, 5.0)
    assert (row["test_ood"], row["ood_gap"]) == (-87.0, 30.0)
    assert row["curve_steps"] == (10_000, 1_000_000, 4_000_000)
    assert row["curve"] == (-177.0, -77.0, -57.0)
    assert row["curve_by_seed"][2] == (-176.0, -76.0, -56.0)
    # Half way from -300 to the best, -57, is -178.5; nine tenths is -81.3.
    assert (row["steps_to_50"], row["steps_to_90"]) == (10_000, 1_000_000)
    assert (row["seconds"], row["steps_per_second"], row["peak_memory_mib"]) == (120.0, 5_000.0, 512.0)
    assert row["provisional"]
    assert row["rank"] is pd.NA


@pytest.mark.usefixtures("synthetic_suite")
def test_only_ten_seeds_of_standard_agents_are_ranked():
    board = make_board(
        Runs("few", lambda place: -10.0 + place.seed),
        Runs("oracle", lambda place: -20.0 + place.seed, seeds=TEN, division="privileged"),
        Runs("good", lambda place: -30.0 + place.seed, seeds=TEN),
        Runs("worse", lambda place: -90.0 + place.seed, seeds=TEN),
    )
    assert list(board["agent"]) == ["few", "oracle", "good", "worse"]
    assert board["rank"].tolist() == [pd.NA, pd.NA, 1, 2]
    assert list(board["provisional"]) == [True, False, False, False]


def test_suites_that_are_not_ranked_or_not_installed_have_no_ranks(monkeypatch):
    runs = Runs("rl2", learner, seeds=TEN)
    not_installed = make_board(runs).iloc[0]
    assert (not_installed["rank"], not_installed["references"]) == (pd.NA, "")
    assert np.isnan(not_installed["normalised"])
    monkeypatch.setitem(SUITES._specs, SUITE.id, dataclasses.replace(SUITE, ranked=False))
    toy = make_board(runs).iloc[0]
    assert toy["rank"] is pd.NA
    assert toy["normalised"] > 0


def test_a_single_seed_has_no_interval():
    row = make_board(Runs("rl2", learner, seeds=[4])).iloc[0]
    assert row["score"] == -54.0
    assert np.isnan([row["low"], row["high"], *row["shots_low"], *row["online_high"]]).all()


@pytest.mark.parametrize("dropped", ["task", "trial", "shot"])
def test_a_seed_with_missing_episodes_is_left_out_and_never_averaged(dropped):
    results, _, cells = make_frames([Runs("rl2", learner)])
    last = results[dropped].max()
    gone = (results["seed"] == 2) & (results[dropped] == last) & (results["checkpoint_steps"] == 4_000_000)
    row = leaderboard(results[~gone], cells).iloc[0]
    assert row["score_by_seed"] == (-58.0, -57.0)
    ((seed, why),) = row["excluded"]
    assert seed == 2
    assert why.endswith("of 30 episodes")


def test_an_episode_that_is_recorded_twice_spoils_its_seed():
    results, _, cells = make_frames([Runs("rl2", learner)])
    twice = results[(results["seed"] == 1) & (results["checkpoint_steps"] == 4_000_000) & (results["split"] == "test")]
    row = leaderboard(pd.concat([results, twice.head(1)]), cells).iloc[0]
    assert row["seeds"] == (0, 2)
    assert row["excluded"] == ((1, "1 duplicate episodes"),)
    # As many episodes as there should be, but one of them twice: counting alone would not notice.
    swapped = pd.concat([results.drop(twice.index[-1]), twice.head(1)])
    assert leaderboard(swapped, cells).iloc[0]["seeds"] == (0, 2)


@pytest.mark.parametrize(("column", "value"), [("trial", 2), ("shot", 3), ("episode", 1), ("task", 99), ("trial", -1)])
def test_episodes_that_the_protocol_does_not_know_spoil_their_seed(column, value):
    results, _, cells = make_frames([Runs("rl2", learner)])
    results = results[results["split"] == "test"].copy()
    place = results.index[(results["seed"] == 0) & (results["checkpoint_steps"] == 4_000_000)][-1]
    results.loc[place, column] = value
    row = leaderboard(results, cells).iloc[0]
    assert row["seeds"] == (1, 2)
    assert row["excluded"][0][0] == 0


def test_a_row_without_a_complete_seed_is_blank_and_last():
    board = make_board(Runs("unfinished", lambda place: 0.0, reached=1_000_000), Runs("random", learner))
    assert list(board["agent"]) == ["random", "unfinished"]
    blank = board.iloc[1]
    assert np.isnan([blank["score"], blank["low"], blank["gain"], blank["train"], blank["seconds"]]).all()
    assert (blank["seeds"], blank["shots"], blank["curve"]) == ((), (), ())
    assert blank["excluded"][0] == (0, "trained for 1,000,000 steps so far")


def test_an_earlier_checkpoint_compares_unfinished_runs_with_finished_ones():
    runs = (Runs("mine", learner, reached=1_000_000, seeds=[0]), Runs("shipped", learner, root="results"))
    board = make_board(*runs, checkpoint=1_000_000)
    assert list(zip(board["agent"], board["score"], strict=True)) == [("shipped", -77.0), ("mine", -78.0)]
    assert list(board["checkpoint_steps"]) == [1_000_000, 1_000_000]
    assert board["curve_steps"].iloc[0] == (10_000, 1_000_000)
    assert board["train"].isna().all()  # only the final checkpoint is tested on other splits


def test_a_checkpoint_that_no_protocol_has_is_refused_with_those_that_exist():
    with pytest.raises(ConfigError, match="expected one of 10000, 1000000, 4000000"):
        make_board(Runs("rl2", learner), checkpoint=123)


def test_different_digests_never_share_a_table():
    first = make_frames([Runs("rl2", learner)])
    second = make_frames([Runs("rl2", learner), Runs("other", learner)], rules(horizon=11))
    results, cells = pd.concat([first[0], second[0]]), pd.concat([first[2], second[2]])
    tables = split_tables(leaderboard(results, cells))
    assert sorted(len(table) for table in tables) == [1, 2]
    assert all(table["digest"].nunique() == 1 for table in tables)


def test_own_and_shipped_runs_of_one_agent_are_two_rows():
    board = make_board(Runs("rl2", learner, root="here/runs"), Runs("rl2", learner, root="there/results"))
    assert sorted(board["source"]) == ["results", "runs"]
    assert set(board["name"]) == {"rl2"}
    alike = make_board(Runs("rl2", learner, root="here/runs"), Runs("rl2", learner, root="there/runs"))
    assert sorted(alike["source"]) == ["here/runs", "there/runs"]


def test_two_configurations_of_one_agent_are_told_apart():
    board = make_board(
        Runs("rl2", learner),
        Runs("rl2", learner, seeds=[5], config_digest="abcdef999999"),
        Runs("random", learner),
    )
    assert set(board["name"]) == {"rl2 (config c0ffee)", "rl2 (config abcdef)", "random"}


def test_seeds_that_the_protocol_does_not_list_do_not_count():
    row = make_board(Runs("rl2", learner, seeds=[0, 1, 17])).iloc[0]
    assert row["seeds"] == (0, 1)
    assert row["excluded"] == ((17, "not a seed of the protocol"),)


def test_validation_runs_are_shown_only_when_they_are_asked_for():
    test = make_frames([Runs("rl2", learner)])
    counts = (("validation", 3), ("train", 3))
    choosing = rules(primary_split="validation", task_counts=counts)
    validation = make_frames([Runs("rl2", learner, seeds=[1000, 1001])], choosing)
    results, cells = pd.concat([test[0], validation[0]]), pd.concat([test[2], validation[2]])
    assert leaderboard(results, cells)["score"].tolist() == [-57.0]
    shown = leaderboard(results, cells, primary_split="validation")
    assert shown["seeds"].tolist() == [(1000, 1001)]
    assert shown["score"].tolist() == [1042.5]


@pytest.mark.usefixtures("synthetic_suite")
def test_a_score_of_success_is_a_rate_and_needs_no_references():
    solved = Runs("rl2", learner, success=lambda place: place.phase == "evaluation" and place.task < place.shot)
    row = make_board(solved, protocol=rules(measure="success")).iloc[0]
    assert row["shots"] == pytest.approx((0.0, 1 / 3, 2 / 3))
    assert row["score"] == row["success"] == pytest.approx(2 / 3)
    assert row["online"] == (0.0, 0.0)
    assert np.isnan(row["normalised"])


def test_a_score_of_the_trial_is_the_mean_over_adaptation_episodes():
    row = make_board(Runs("rl2", learner), protocol=rules(score="trial")).iloc[0]
    assert row["score"] == -72.0  # the mean of -77 and -67
    assert row["shots"] == (-77.0, -67.0, -57.0)


def test_a_protocol_without_evaluation_episodes_has_no_shots():
    row = make_board(Runs("rl2", learner), protocol=rules(score="trial", evaluation_episodes=0)).iloc[0]
    assert (row["score"], row["shots"]) == (-72.0, ())
    assert np.isnan(row["gain"])


def test_failed_episodes_of_the_counted_seeds_are_counted():
    results, _, cells = make_frames([Runs("rl2", learner)])
    here = results.index[(results["checkpoint_steps"] == 4_000_000) & (results["split"] == "test")]
    results.loc[here[:4], "failed"] = True
    assert leaderboard(results, cells)["failed_episodes"].tolist() == [4]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_returns_that_are_not_finite_are_refused_with_their_run(value):
    results, _, cells = make_frames([Runs("rl2", learner)])
    results.loc[results.index[7], "return"] = value
    with pytest.raises(RecordError, match=r"runs: synthetic/velocity-v1, rl2, seed 0"):
        leaderboard(results, cells)


def test_the_order_of_records_changes_nothing():
    results, _, cells = make_frames([Runs("rl2", learner), Runs("random", lambda place: place.task - place.seed)])
    shuffled = leaderboard(results.sample(frac=1, random_state=0), cells.sample(frac=1, random_state=1))
    pd.testing.assert_frame_equal(shuffled, leaderboard(results, cells))


def test_no_runs_give_an_empty_board():
    results, _, cells = make_frames([Runs("rl2", learner)])
    board = leaderboard(results.iloc[:0], cells.iloc[:0])
    assert list(board.columns) == COLUMNS
    assert split_tables(board) == []
