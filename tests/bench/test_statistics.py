import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from metarl_bench.errors import ContractError
from metarl_bench.statistics import (
    area_over_log_steps,
    iqm,
    performance_profile,
    probability_of_improvement,
    seed_interval,
    steps_to,
    worst_decile,
)

FINITE = st.floats(-1e6, 1e6)
SCORES = hnp.arrays(np.float64, st.integers(1, 12), elements=FINITE)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_iqm_leaves_out_the_lowest_and_the_highest_quarter():
    assert iqm([100.0, 2.0, -50.0, 4.0]) == 3.0
    assert iqm([0.0, 0.0, 1.0, 2.0, 3.0, 6.0, 90.0, 99.0]) == 3.0
    assert iqm([1.0, 2.0, 6.0]) == 3.0  # a quarter of three is less than one score
    assert iqm([7.0]) == 7.0


@given(SCORES, st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_iqm_ignores_order_and_stays_inside_the_data(scores, random):
    shuffled = list(scores)
    random.shuffle(shuffled)
    assert iqm(shuffled) == pytest.approx(iqm(scores), rel=1e-9, abs=1e-6)
    assert scores.min() - 1e-6 <= iqm(scores) <= scores.max() + 1e-6


@given(SCORES, st.data())
@settings(max_examples=60)
def test_iqm_never_falls_when_a_score_rises(scores, data):
    better = scores.copy()
    better[data.draw(st.integers(0, len(scores) - 1))] += data.draw(st.floats(0, 1e6))
    assert iqm(better) >= iqm(scores) - 1e-6


@pytest.mark.parametrize("scores", [[], [1.0, np.nan], [np.inf], [[1.0], [2.0]]])
def test_scores_that_are_missing_or_not_finite_are_refused(scores):
    for function in (iqm, worst_decile, lambda values: seed_interval([values], rng=rng())):
        with pytest.raises(ContractError, match="expected"):
            function(scores)


@pytest.mark.parametrize("strata", [[[1.0]], [[1.0, 2.0], [3.0]], [[0.5, 0.5, 0.5]]])
def test_there_is_no_interval_where_seeds_say_nothing_about_their_spread(strata):
    assert seed_interval(strata, rng=rng()) is None


def test_no_suites_at_all_are_refused():
    with pytest.raises(ContractError, match="at least one suite"):
        seed_interval([], rng=rng())


@given(st.lists(hnp.arrays(np.float64, st.integers(2, 6), elements=st.floats(-100, 100)), min_size=1, max_size=3))
@settings(max_examples=25, deadline=None)
def test_the_interval_is_ordered_and_inside_the_data(strata):
    interval = seed_interval(strata, rng=rng())
    pooled = np.concatenate(strata)
    if interval is not None:
        assert pooled.min() - 1e-9 <= interval[0] <= interval[1] <= pooled.max() + 1e-9


def test_the_interval_depends_on_the_generator_alone():
    scores = [rng().normal(size=9)]
    np.random.seed(1)  # noqa: NPY002 - global state must not matter
    first = seed_interval(scores, rng=rng(3))
    np.random.seed(2)  # noqa: NPY002
    assert seed_interval(scores, rng=rng(3)) == first
    assert seed_interval(scores, rng=rng(4)) != first


def test_seeds_are_resampled_within_their_suite():
    # Two suites far apart: resampling across suites would sometimes draw one suite alone, and reach its scores.
    low, high = seed_interval([[0.0, 1.0, 2.0, 3.0], [100.0, 101.0, 102.0, 103.0]], rng=rng())
    assert 45 < low < high < 58


def test_seed_intervals_cover_what_is_promised_and_task_intervals_do_not():
    """Tasks of a seed share one agent: task scores = truth + seed effect + task effect."""
    simulations, tasks, generator = 250, 30, rng(11)
    for seeds, promised in ((3, 0.74), (5, 0.89), (10, 0.94)):
        covered = by_task = 0
        for _ in range(simulations):
            scores = generator.normal(size=(seeds, 1)) + generator.normal(size=(seeds, tasks))
            low, high = seed_interval([scores.mean(axis=1)], rng=generator)
            covered += low <= 0.0 <= high
            resampled = scores.ravel()[generator.integers(seeds * tasks, size=(200, seeds * tasks))]
            low, high = np.percentile(stats.trim_mean(resampled, 0.25, axis=1), [2.5, 97.5])
            by_task += low <= 0.0 <= high
        assert covered / simulations == pytest.approx(promised, abs=0.05)
        assert 0.15 < by_task / simulations < 0.5  # nominal 0.95


def test_probability_of_improvement_counts_pairs_and_halves_ties():
    assert probability_of_improvement([3.0, 4.0], [1.0, 2.0]) == 1.0
    assert probability_of_improvement([1.0], [1.0]) == 0.5
    assert probability_of_improvement([1.0, 3.0], [2.0, 2.0, 4.0]) == pytest.approx(2 / 6)


@given(SCORES, SCORES)
@settings(max_examples=60)
def test_probabilities_of_improvement_of_two_agents_add_up_to_one(first, second):
    there, back = probability_of_improvement(first, second), probability_of_improvement(second, first)
    assert there + back == pytest.approx(1.0)
    assert 0.0 <= there <= 1.0


def test_a_performance_profile_is_the_fraction_above_each_threshold():
    np.testing.assert_array_equal(performance_profile([0.0, 0.5, 1.0, 1.0], [-1.0, 0.0, 0.5, 1.0]), [1, 0.75, 0.5, 0])


@given(SCORES, hnp.arrays(np.float64, 5, elements=FINITE))
@settings(max_examples=60)
def test_a_performance_profile_never_rises(scores, thresholds):
    profile = performance_profile(scores, np.sort(thresholds))
    assert (np.diff(profile) <= 0).all()
    assert ((profile >= 0) & (profile <= 1)).all()


def test_the_worst_decile_rounds_the_number_of_tasks_up():
    assert worst_decile(np.arange(30.0)[::-1]) == 1.0  # tasks 0, 1, 2
    assert worst_decile([5.0, 3.0, 4.0]) == 3.0
    assert worst_decile(np.arange(11.0)) == 0.5


def test_the_area_is_a_mean_over_log_steps():
    assert area_over_log_steps([10, 100, 1000], [0.0, 1.0, 1.0]) == pytest.approx(0.75)
    assert area_over_log_steps([10, 100_000], [3.0, 3.0]) == pytest.approx(3.0)
    assert area_over_log_steps([10], [1.0]) is None


def test_steps_to_a_target_are_those_of_the_first_checkpoint_that_reaches_it():
    assert steps_to([10, 100, 1000], [0.0, 5.0, 4.0], target=4.0) == 100
    assert steps_to([10, 100], [0.0, 1.0], target=2.0) is None


@pytest.mark.parametrize("steps", [[0, 10], [100, 10], [10, 10], [10]])
def test_a_curve_whose_steps_do_not_rise_is_refused(steps):
    with pytest.raises(ContractError, match="rising"):
        area_over_log_steps(steps, [1.0, 2.0])
