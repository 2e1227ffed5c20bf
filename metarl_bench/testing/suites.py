"""``check_suite``: everything that a suite has to keep to."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from metarl_bench.registry import make_suite
from metarl_bench.tasks import Suite
from metarl_bench.testing import suite_dynamics, suite_interface, suite_scores, suite_tasks
from metarl_bench.testing.conformance import Check, run_checks

RULES: tuple[Callable[[Suite], None], ...] = (
    suite_interface.spec_is_sound,
    suite_interface.arrays_are_as_declared,
    suite_interface.privileged_parameters_are_as_wide_as_declared,
    suite_interface.step_before_reset_is_refused,
    suite_interface.tasks_that_do_not_fit_are_refused,
    suite_interface.bad_actions_are_refused_before_any_world_moves,
    suite_interface.out_of_range_actions_equal_clipped_ones,
    suite_interface.results_share_no_memory,
    suite_interface.global_random_state_is_left_alone,
    suite_dynamics.equal_seeds_give_equal_episodes,
    suite_dynamics.every_parameter_matters,
    suite_dynamics.batching_and_threads_change_nothing,
    suite_dynamics.partial_resets_leave_the_neighbours_alone,
    suite_dynamics.worlds_begin_one_by_one,
    suite_dynamics.ended_worlds_stay_frozen,
    suite_dynamics.snapshots_continue_bit_exactly,
    suite_dynamics.observations_that_never_change_are_declared,
    suite_tasks.frozen_lists_are_stable,
    suite_tasks.sampling_depends_on_the_generator_alone,
    suite_tasks.splits_do_not_overlap,
    suite_tasks.tasks_are_in_the_declared_ranges,
    suite_tasks.first_observations_do_not_tell_the_task,
    suite_scores.failing_never_pays,
    suite_scores.ending_early_never_pays,
    suite_scores.references_are_far_apart,
)


def suite_checks(suite: str | Suite, *, deterministic: bool = False) -> list[Check]:
    """Returns the checks of a suite, one a rule, for ``pytest.mark.parametrize("check", ..., ids=str)``.

    Args:
        suite: The suite or its id.
        deterministic: The suite's episodes depend on task and actions alone, not on the seed; is checked.
    """
    subject = make_suite(suite) if isinstance(suite, str) else suite
    about_seeds = (
        suite_dynamics.seeds_change_nothing if deterministic else suite_dynamics.other_seeds_give_other_episodes
    )
    return [Check(rule.__name__, partial(rule, subject)) for rule in (*RULES, about_seeds)]


def check_suite(suite: str | Suite, *, deterministic: bool = False) -> None:
    """Checks that a suite keeps to the contract.

    Args:
        suite: The suite or its id.
        deterministic: The suite's episodes depend on task and actions alone, not on the seed; is checked.

    Raises:
        ConformanceError: If it does not; the error lists every rule that it breaks.
    """
    name = suite if isinstance(suite, str) else suite.spec.id
    run_checks(name, suite_checks(suite, deterministic=deterministic))
