"""Which tests hold the harness to what it promises for each fault.

What can go wrong with processes, storage, randomness, agents, submissions and statistics. A fault without a test says
why it needs none.
"""

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# The fault, and the tests, or why there are none.
FAULTS: dict[int, tuple[str, list[str] | str]] = {
    1: (
        "killed in training",
        [
            "tests/bench/test_kills.py::test_kills_at_seeded_moments_change_nothing",
            "tests/bench/test_kills.py::test_kills_at_any_time_change_nothing",
            "tests/bench/test_resume.py::test_a_killed_run_ends_as_if_nothing_had_happened",
            "tests/bench/test_resume.py::test_a_run_killed_before_its_first_save_point_starts_again",
        ],
    ),
    2: (
        "killed while a checkpoint is written",
        [
            "tests/bench/test_kills.py::test_kills_at_seeded_moments_change_nothing",
            "tests/bench/test_resume.py::test_a_killed_run_ends_as_if_nothing_had_happened",
        ],
    ),
    3: (
        "killed while results are added",
        [
            "tests/bench/test_kills.py::test_kills_at_seeded_moments_change_nothing",
            "tests/bench/test_resume.py::test_rows_that_were_not_committed_are_dropped_and_written_once",
            "tests/bench/test_resume.py::test_a_torn_line_of_the_training_log_is_dropped_with_one_message",
        ],
    ),
    4: (
        "SIGINT once or twice",
        [
            "tests/bench/test_interrupts.py::test_a_signal_stops_at_once_and_says_what_is_lost",
            "tests/bench/test_interrupts.py::test_a_second_signal_while_the_first_unwinds_leaves_the_run_consistent",
            "tests/bench/test_interrupts.py::test_a_second_signal_raises_the_first_interruption_with_all_that_it_tells",
            "tests/bench/test_engines.py::test_a_signal_reaches_the_workers_and_waits_for_them",
            "tests/bench/test_engines.py::test_a_second_signal_waits_for_no_worker_and_says_what_is_lost",
        ],
    ),
    5: (
        "SIGTERM of a batch system",
        [
            "tests/bench/test_interrupts.py::test_a_signal_stops_at_once_and_says_what_is_lost",
            "tests/bench/test_cli.py::test_a_signal_ends_the_run_with_its_code_and_the_command_that_resumes",
        ],
    ),
    6: (
        "disk full",
        [
            "tests/bench/test_full_disk.py::test_a_full_disk_is_named_with_its_path_and_costs_nothing_else",
            "tests/bench/test_full_disk.py::test_a_disk_that_is_full_from_the_start_is_refused_before_any_step",
            "tests/bench/test_records.py::test_a_failed_write_leaves_the_old_file",
        ],
    ),
    7: (
        "output folder missing or read-only",
        [
            "tests/bench/test_faults.py::test_an_output_folder_without_a_parent_is_refused",
            "tests/bench/test_faults.py::test_an_output_folder_below_a_file_is_refused",
            "tests/bench/test_faults.py::test_an_output_folder_that_cannot_be_written_is_refused",
            "tests/bench/test_faults.py::test_an_output_folder_that_is_a_file_is_refused",
        ],
    ),
    8: (
        "save point truncated or with a flipped bit",
        [
            "tests/bench/test_resume.py::test_a_flipped_bit_falls_back_to_the_save_point_before",
            "tests/bench/test_resume.py::test_falling_back_behind_a_checkpoint_tests_it_again",
            "tests/bench/test_resume.py::test_without_any_sound_save_point_a_new_run_is_asked_for",
            "tests/bench/test_records.py::test_a_sealed_folder_notices_every_change",
        ],
    ),
    9: (
        "resumed with other settings, rules or versions",
        [
            "tests/bench/test_faults.py::test_another_configuration_is_refused_with_a_line_a_difference",
            "tests/bench/test_faults.py::test_another_version_is_refused",
            "tests/bench/test_faults.py::test_other_rules_are_refused",
            "tests/bench/test_faults.py::test_a_new_run_is_forced_beside_the_old_one",
            "tests/bench/test_cli.py::test_other_settings_than_those_in_the_folder_fail_with_a_difference",
        ],
    ),
    10: ("finished run resumed", ["tests/bench/test_resume.py::test_a_finished_run_is_left_as_it_is"]),
    11: (
        "two processes on one folder",
        [
            "tests/bench/test_faults.py::test_a_second_writer_is_refused_and_told_who_the_first_is",
            "tests/bench/test_faults.py::test_a_second_process_is_refused",
            "tests/bench/test_faults.py::test_the_lock_of_a_killed_process_does_not_stay",
        ],
    ),
    12: ("clock or time zone changes", ["tests/bench/test_resume.py::test_neither_clock_nor_time_zone_matter"]),
    13: (
        "tables of unfinished runs",
        [
            "tests/bench/test_leaderboard.py::test_a_seed_with_missing_episodes_is_left_out_and_never_averaged",
            "tests/bench/test_leaderboard.py::test_a_row_without_a_complete_seed_is_blank_and_last",
            "tests/bench/test_records.py::test_partial_runs_are_marked",
        ],
    ),
    14: (
        "folder moved, or read elsewhere",
        [
            "tests/bench/test_resume.py::test_a_moved_run_goes_on",
            "tests/bench/test_resume.py::test_a_run_that_goes_on_elsewhere_says_so",
            "tests/bench/test_records.py::test_a_moved_folder_reads_the_same",
            "tests/bench/test_records.py::test_a_manifest_names_no_machine_and_no_folder",
        ],
    ),
    15: (
        "simulator's log in the working folder",
        ["tests/bench/test_runner.py::test_simulator_warnings_go_into_the_run_folder"],
    ),
    16: (
        "same seed twice",
        [
            "tests/bench/test_runner.py::test_the_same_cell_gives_the_same_bytes_twice",
            "tests/bench/test_trials.py::test_the_same_meta_test_twice_gives_equal_records",
        ],
    ),
    17: (
        "one worker or many",
        [
            "tests/bench/test_engines.py::test_workers_change_nothing",
            "tests/bench/test_runner.py::test_the_number_of_physics_threads_changes_nothing",
            "tests/suites/test_simulation.py::test_threads_and_batch_size_change_nothing",
        ],
    ),
    18: (
        "worker dies",
        [
            "tests/bench/test_engines.py::test_a_cell_whose_worker_dies_once_is_started_again_and_changes_nothing",
            "tests/bench/test_engines.py::test_a_cell_whose_worker_dies_every_time_fails_and_the_others_go_on",
            "tests/bench/test_engines.py::test_a_failing_cell_costs_nothing_but_itself",
        ],
    ),
    19: (
        "other orders of tasks, records or hashes",
        [
            "tests/bench/test_runner.py::test_the_order_of_hashes_changes_nothing",
            "tests/bench/test_leaderboard.py::test_the_order_of_records_changes_nothing",
            "tests/bench/test_seeding.py::test_streams_do_not_depend_on_what_was_opened_before",
        ],
    ),
    20: (
        "agent seeds global streams",
        [
            "tests/bench/test_runner.py::test_an_agent_that_seeds_global_streams_changes_nothing",
            "tests/bench/test_testing.py::test_a_broken_agent_is_caught_by_exactly_the_right_check",
        ],
    ),
    21: (
        "other processor or simulator",
        [
            "tests/bench/test_replay.py::test_elsewhere_small_differences_are_drift_and_large_ones_are_problems",
            "tests/bench/test_resume.py::test_a_run_that_goes_on_elsewhere_says_so",
            "tests/bench/test_faults.py::test_another_version_is_refused",
        ],
    ),
    22: (
        "duplicate seeds in a submission",
        [
            "tests/bench/test_submissions.py::test_packing_refuses_a_second_run_of_a_seed",
            "tests/bench/test_submissions.py::test_an_edited_manifest_is_rejected",
        ],
    ),
    23: (
        "seeds that were picked",
        [
            "tests/bench/test_submissions.py::test_seeds_must_be_the_first_ones",
        ],
    ),
    24: (
        "reset that ignores its seed or sets no task",
        [
            "tests/suites/test_conformance.py::test_suite",
            "tests/bench/test_testing.py::test_a_broken_suite_is_caught_by_exactly_the_right_check",
            "tests/bench/test_gym.py::test_restore_refuses_an_env_that_its_seed_does_not_determine",
        ],
    ),
    25: (
        "action NaN or infinite",
        [
            "tests/bench/test_trials.py::test_an_action_that_is_not_finite_fails_the_episode_of_its_world_only",
            "tests/bench/test_runner.py::test_a_failing_training_is_recorded_with_its_traceback",
        ],
    ),
    26: ("action out of range", ["tests/bench/test_trials.py::test_actions_out_of_range_are_clipped_and_counted"]),
    27: (
        "action of a wrong shape or type",
        ["tests/bench/test_trials.py::test_a_fault_of_act_fails_the_episode_and_the_run_goes_on"],
    ),
    28: (
        "agent writes into observations",
        ["tests/bench/test_trials.py::test_an_agent_that_writes_into_what_it_is_given_changes_nothing"],
    ),
    29: (
        "act hangs",
        [
            "tests/bench/test_time_limit.py::test_an_agent_that_hangs_fails_the_episode_and_the_run_goes_on",
            "tests/bench/test_time_limit.py::test_the_limit_is_of_one_step_and_not_of_the_episode",
        ],
    ),
    30: (
        "act raises",
        [
            "tests/bench/test_trials.py::test_a_fault_of_act_fails_the_episode_and_the_run_goes_on",
            "tests/bench/test_trials.py::test_a_fault_anywhere_in_an_agent_fails_its_episodes_and_never_the_run",
            "tests/bench/test_runner.py::test_an_agent_that_raises_in_the_meta_test_fails_its_episodes_only",
            "tests/bench/test_cli.py::test_an_agent_that_raises_exits_with_one",
        ],
    ),
    31: (
        "agent leaks memory, leaves processes behind, prints without end: nothing waits for it, and no limits are set",
        [
            "tests/bench/test_engines.py::test_nobody_waits_for_processes_that_an_agent_left_behind",
            "tests/bench/test_engines.py::test_a_cell_whose_worker_dies_every_time_fails_and_the_others_go_on",
            "tests/bench/test_records.py::test_cells_tell_what_a_run_cost",
        ],
    ),
    32: (
        "agent keeps state between tasks",
        [
            "tests/bench/test_testing.py::test_a_broken_agent_is_caught_by_exactly_the_right_check",
            "tests/bench/test_trials.py::test_the_agent_is_told_of_every_episode_and_step",
            "tests/agents/test_conformance.py::test_agent",
        ],
    ),
    33: (
        "simulator gets unstable",
        [
            "tests/bench/test_worlds.py::test_the_world_in_which_the_simulator_gives_up_ends_at_the_price_of_the_worst",
            "tests/bench/test_trials.py::test_where_the_simulator_gives_up_the_episode_fails_and_nobody_is_blamed",
            "tests/suites/test_simulation.py::test_a_world_with_nan_is_reported_and_its_neighbours_go_on",
            "tests/suites/locomotion/test_cheetah.py::test_a_world_faster_than_physics_allows_fails_at_the_lower_bound",
        ],
    ),
    34: (
        "reward or observation NaN",
        [
            "tests/bench/test_gym.py::test_a_nan_reward_or_observation_ends_the_episode_as_failed",
            "tests/bench/test_trials.py::test_where_the_simulator_gives_up_the_episode_fails_and_nobody_is_blamed",
            "tests/bench/test_leaderboard.py::test_returns_that_are_not_finite_are_refused_with_their_run",
        ],
    ),
    35: (
        "terminated and truncated at once, step after the end",
        [
            "tests/bench/test_worlds.py::test_an_episode_that_terminates_at_the_horizon_is_not_truncated_too",
            "tests/bench/test_worlds.py::test_worlds_tell_gymnasium_that_they_are_never_reset_by_themselves",
            "tests/bench/test_worlds.py::test_an_ended_world_can_be_begun_again_alone",
            "tests/bench/test_testing.py::test_a_broken_suite_is_caught_by_exactly_the_right_check",
        ],
    ),
    36: (
        "solved at reset; success counts from the first step on, and no sparse task may begin with it",
        ["tests/suites/test_toy.py::test_no_sparse_task_is_solved_by_standing_still"],
    ),
    37: (
        "early success counted more often",
        [
            "tests/bench/test_trials.py::test_who_solves_one_goal_of_four_scores_a_quarter",
            "tests/bench/test_trials.py::test_there_is_exactly_one_record_per_task_trial_shot_and_episode",
        ],
    ),
    38: (
        "step beyond the budget",
        [
            "tests/bench/test_metering.py::test_the_first_step_beyond_the_budget_is_refused_and_not_executed",
            "tests/bench/test_runner.py::test_the_step_over_budget_is_not_executed",
        ],
    ),
    39: (
        "agent goes round the metered worlds",
        [
            "tests/bench/test_metering.py::test_training_worlds_cannot_be_seeded_rewound_or_read",
            "tests/bench/test_metering.py::test_copies_that_would_step_for_free_are_refused",
            "tests/bench/test_replay.py::test_tampered_evidence_is_found",
        ],
    ),
    40: (
        "training on test tasks",
        [
            "tests/bench/test_metering.py::test_tasks_cannot_be_smuggled_in",
            "tests/bench/test_metering.py::test_handles_that_were_never_issued_are_refused",
            "tests/bench/test_runner.py::test_a_failing_training_is_recorded_with_its_traceback",
        ],
    ),
    41: (
        "goal or task id in infos, observations or memory",
        [
            "tests/bench/test_metering.py::test_infos_of_training_worlds_hold_no_parameters",
            "tests/bench/test_metering.py::test_handles_hold_no_parameters",
        ],
    ),
    42: ("step counter edited", ["tests/bench/test_resume.py::test_an_edited_step_counter_is_noticed"]),
    43: (
        "steps hidden in copies or batches",
        [
            "tests/bench/test_metering.py::test_every_step_of_every_world_is_counted",
            "tests/bench/test_metering.py::test_copies_that_would_step_for_free_are_refused",
        ],
    ),
    44: (
        "best of many checkpoints or runs",
        "the last checkpoint alone counts, which the rules fix, and the card declares the number of runs",
    ),
    45: (
        "score or return edited",
        [
            "tests/bench/test_submissions.py::test_an_edited_return_is_rejected_with_both_numbers",
            "tests/bench/test_submissions.py::test_an_edited_claim_is_rejected_with_both_numbers",
        ],
    ),
    46: (
        "records made up",
        [
            "tests/bench/test_replay.py::test_tampered_evidence_is_found",
            "tests/bench/test_replay.py::test_an_edited_record_is_found",
            "tests/bench/test_submissions.py::test_spliced_evidence_is_rejected",
        ],
    ),
    47: (
        "copy of another submission",
        [
            "tests/bench/test_submissions.py::test_the_same_folder_under_another_name_is_flagged",
        ],
    ),
    48: (
        "archive bombs",
        [
            "tests/bench/test_hostile_files.py::test_archives_are_not_accepted_and_not_opened",
        ],
    ),
    49: (
        "paths that lead out, links, devices, names that collide",
        [
            "tests/bench/test_hostile_files.py::test_strangers_are_refused_and_printed_escaped",
            "tests/bench/test_hostile_files.py::test_links_and_devices_are_refused",
            "tests/bench/test_hostile_files.py::test_a_linked_folder_is_not_followed",
            "tests/bench/test_hostile_files.py::test_names_that_only_differ_in_case_are_refused",
        ],
    ),
    50: (
        "pickles and code",
        [
            "tests/bench/test_hostile_files.py::test_code_and_pickles_are_refused_with_a_hint",
            "tests/bench/test_submissions.py::test_a_pack_holds_plain_data_only",
        ],
    ),
    51: (
        "hostile tensors",
        [
            "tests/bench/test_hostile_files.py::test_hostile_evidence_is_refused",
            "tests/bench/test_hostile_files.py::test_a_hundred_thousand_tensors_are_refused_by_the_header",
            "tests/bench/test_hostile_files.py::test_any_damage_to_evidence_is_a_verdict_never_a_traceback",
        ],
    ),
    52: (
        "hostile JSON",
        [
            "tests/bench/test_hostile_files.py::test_hostile_manifests_are_refused",
            "tests/bench/test_hostile_files.py::test_any_bytes_as_a_card_are_refused_not_crashed_on",
            "tests/bench/test_hostile_files.py::test_any_value_in_a_manifest_is_a_verdict_never_a_traceback",
        ],
    ),
    53: (
        "YAML with anchors or tags",
        "nothing reads YAML: a submission with such a file is refused by its name",
    ),
    54: ("spreadsheet formulas in CSV", ["tests/bench/test_tables.py::test_csv_text_is_never_a_formula"]),
    55: (
        "hostile names",
        [
            "tests/bench/test_registry.py::test_malformed_suite_ids_are_refused",
            "tests/bench/test_registry.py::test_malformed_agent_ids_match_nothing",
            "tests/bench/test_tables.py::test_clean_text_is_one_printable_line",
            "tests/bench/test_tables.py::test_latex_text_holds_no_command_of_its_own",
            "tests/bench/test_tables.py::test_markdown_text_comes_out_as_it_went_in",
            "tests/bench/test_tables.py::test_whatever_names_hold_every_format_stays_whole",
            "tests/bench/test_figures.py::test_names_are_drawn_as_text",
        ],
    ),
    56: (
        "old or future schema or protocol",
        [
            "tests/bench/test_submissions.py::test_what_is_unknown_here_is_unchecked_not_rejected",
            "tests/bench/test_submissions.py::test_an_edited_manifest_is_rejected",
        ],
    ),
    57: (
        "too few, equal, missing or infinite scores",
        [
            "tests/bench/test_leaderboard.py::test_a_single_seed_has_no_interval",
            "tests/bench/test_leaderboard.py::test_returns_that_are_not_finite_are_refused_with_their_run",
            "tests/bench/test_leaderboard.py::test_a_seed_with_missing_episodes_is_left_out_and_never_averaged",
            "tests/bench/test_statistics.py::test_there_is_no_interval_where_seeds_say_nothing_about_their_spread",
            "tests/bench/test_statistics.py::test_scores_that_are_missing_or_not_finite_are_refused",
        ],
    ),
    58: (
        "different rules in one table",
        [
            "tests/bench/test_leaderboard.py::test_different_digests_never_share_a_table",
            "tests/bench/test_figures.py::test_a_figure_of_two_digests_is_refused",
        ],
    ),
}


NAMED = sorted({test for _, tests in FAULTS.values() if isinstance(tests, list) for test in tests})


@cache
def functions_of(path: str) -> frozenset[str]:
    """Returns the names of the functions of a file, which is read but not imported."""
    tree = ast.parse((ROOT / path).read_text())
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


def test_every_fault_has_tests_or_a_reason() -> None:
    assert sorted(FAULTS) == list(range(1, 59))
    assert all(words and tests for words, tests in FAULTS.values())


@pytest.mark.parametrize("test", NAMED)
def test_every_named_test_exists(test: str) -> None:
    path, _, name = test.partition("::")
    assert name.startswith("test_")
    assert name in functions_of(path)
