"""The conformance checks can fail: each broken suite and agent is caught by exactly the rules that it breaks."""

import dataclasses
import sys

import pytest

from metarl_bench.agents import MetaAgent
from metarl_bench.tasks import References, Suite
from metarl_bench.testing import ConformanceError, agent_checks, check_agent, check_suite, suite_checks
from tests.bench import broken_agents as agents
from tests.bench import broken_suites as suites
from tests.bench.broken_suites import with_spec, with_worlds

POINT_ROBOT = "toy/point-robot-v1"
REFERENCES = References(random=-21.0, expert=-5.0, random_source="by hand", expert_source="by hand")

BROKEN_SUITES: dict[str, tuple[Suite, set[str]]] = {
    "uses global random state": (
        with_worlds(suites.UsesGlobalRandomState),
        {"global_random_state_is_left_alone"},
    ),
    "leaks the goal": (with_worlds(suites.LeaksTheGoal), {"first_observations_do_not_tell_the_task"}),
    "observations share memory": (with_worlds(suites.SharesMemory), {"results_share_no_memory"}),
    "snapshots are live": (with_worlds(suites.SnapshotsAreLive), {"results_share_no_memory"}),
    "moves frozen worlds": (with_worlds(suites.MovesFrozenWorlds), {"ended_worlds_stay_frozen"}),
    "runs past the horizon": (
        with_worlds(suites.RunsPastTheHorizon),
        # No trial can be played to its end.
        {"ended_worlds_stay_frozen", "failing_never_pays", "ending_early_never_pays"},
    ),
    "forgets an array in its snapshot": (with_worlds(suites.ForgetsVelocity), {"snapshots_continue_bit_exactly"}),
    "depends on the number of worlds": (
        with_worlds(suites.DependsOnTheNumberOfWorlds),
        {"batching_and_threads_change_nothing"},
    ),
    "depends on threads": (
        suites.DependsOnThreads(spec=suites.POINT_ROBOT),
        {"batching_and_threads_change_nothing"},
    ),
    "resets disturb neighbours": (
        with_worlds(suites.ResetsDisturbNeighbours),
        {"partial_resets_leave_the_neighbours_alone"},
    ),
    "needs tasks for all": (with_worlds(suites.NeedsTasksForAll), {"worlds_begin_one_by_one"}),
    "ignores the seed": (with_worlds(suites.IgnoresTheSeed), {"other_seeds_give_other_episodes"}),
    "remembers episodes": (with_worlds(suites.RemembersEpisodes), {"equal_seeds_give_equal_episodes"}),
    "ignores a parameter": (with_worlds(suites.IgnoresAParameter), {"every_parameter_matters"}),
    "runs without reset": (with_worlds(suites.RunsWithoutReset), {"step_before_reset_is_refused"}),
    "takes any task": (with_worlds(suites.TakesAnyTask), {"tasks_that_do_not_fit_are_refused"}),
    "moves before it checks": (
        with_worlds(suites.MovesBeforeItChecks),
        {"bad_actions_are_refused_before_any_world_moves"},
    ),
    "does not clip": (with_worlds(suites.DoesNotClip), {"out_of_range_actions_equal_clipped_ones"}),
    "does not tell that it clipped": (
        with_worlds(suites.DoesNotTellThatItClipped),
        {"out_of_range_actions_equal_clipped_ones"},
    ),
    "observes in float64": (with_worlds(suites.ObservesInFloat64), {"arrays_are_as_declared"}),
    "privileged parameters in float32": (
        with_worlds(suites.PrivilegedInFloat32),
        {"privileged_parameters_are_as_wide_as_declared"},
    ),
    "observes a constant": (
        with_worlds(suites.ObservesAConstant, suites.THREE_OBSERVATIONS),
        {"observations_that_never_change_are_declared"},
    ),
    "declares a constant that changes": (
        with_spec(constant_observations=(1,)),
        {"observations_that_never_change_are_declared"},
    ),
    "declares a budget below the horizon": (with_spec(budget=5), {"spec_is_sound"}),
    "failing pays": (with_spec(failure_return=-25.0), {"failing_never_pays"}),
    "ending early pays": (with_worlds(suites.EndsOutside), {"ending_early_never_pays"}),
    "has an expert that is hardly better than random": (
        with_spec(references=dataclasses.replace(REFERENCES, expert=REFERENCES.random + 1.0)),
        {"references_are_far_apart"},
    ),
    "has an expert that gets little of what there is": (
        with_spec(best_return=1000.0, references=REFERENCES),
        {"references_are_far_apart"},
    ),
    "validates on the test tasks": (
        suites.ValidatesOnTheTestTasks(spec=suites.POINT_ROBOT),
        {"splits_do_not_overlap"},
    ),
    "draws its test tasks": (suites.DrawsItsTestTasks(spec=suites.POINT_ROBOT), {"frozen_lists_are_stable"}),
    "numbers its tasks from one": (
        suites.NumbersItsTasksFromOne(spec=suites.POINT_ROBOT),
        {"frozen_lists_are_stable"},
    ),
    "samples with its own seed": (
        suites.SamplesWithItsOwnSeed(spec=suites.POINT_ROBOT),
        {"sampling_depends_on_the_generator_alone"},
    ),
    "samples outside its range": (
        suites.SamplesOutsideItsRange(spec=suites.POINT_ROBOT),
        {"tasks_are_in_the_declared_ranges"},
    ),
}

BROKEN_AGENTS: dict[type[MetaAgent], set[str]] = {
    agents.Overshoots: {"training_keeps_to_the_segment"},
    agents.NeverTrains: {"training_keeps_to_the_segment"},
    agents.TrainsFromEntropy: {"equal_seeds_train_equal_agents"},
    agents.ForgetsToSave: {"saving_and_loading_keep_the_actions"},
    agents.Pickles: {"saved_files_are_safe"},
    agents.FailsInOtherBatchSizes: {"meta_test_finds_no_failures"},
    agents.UsesNumpyState: {"global_random_state_is_left_alone"},
    agents.UsesTorchState: {"global_random_state_is_left_alone"},
    agents.UsesPythonState: {"global_random_state_is_left_alone"},
    agents.PoolsOverWorlds: {"worlds_do_not_depend_on_each_other"},
    agents.DrawsForRunningWorldsOnly: {"worlds_do_not_depend_on_each_other"},
    agents.ForkSharesMemory: {"forks_are_independent"},
    agents.ForkSharesTheStream: {"forks_are_independent"},
    agents.ActsNotANumber: {"actions_are_sound", "meta_test_finds_no_failures"},
    agents.Deterministic: {"other_seeds_give_other_actions"},
    # Whatever plays a second trial with one agent sees what the first one left.
    agents.KeepsStateAcrossTrials: {
        "trials_start_afresh",
        "equal_seeds_train_equal_agents",
        "saving_and_loading_keep_the_actions",
        "forks_are_independent",
        "worlds_do_not_depend_on_each_other",
    },
}


@pytest.mark.parametrize("name", BROKEN_SUITES)
def test_a_broken_suite_is_caught_by_exactly_the_right_check(name: str) -> None:
    suite, expected = BROKEN_SUITES[name]

    with pytest.raises(ConformanceError) as caught:
        check_suite(suite)

    assert set(caught.value.failures) == expected, str(caught.value)


def test_every_rule_for_suites_is_broken_by_some_suite() -> None:
    rules = {check.name for check in suite_checks(POINT_ROBOT)}

    assert set().union(*(expected for _, expected in BROKEN_SUITES.values())) == rules


def test_a_suite_that_wrongly_says_that_seeds_change_nothing_is_caught() -> None:
    with pytest.raises(ConformanceError) as caught:
        check_suite(POINT_ROBOT, deterministic=True)

    assert set(caught.value.failures) == {"seeds_change_nothing"}


def test_a_suite_that_fines_early_ends_is_sound() -> None:
    check_suite(with_worlds(suites.EndsOutsideForAFine))


@pytest.mark.parametrize("agent", BROKEN_AGENTS, ids=lambda agent: agent.__name__)
def test_a_broken_agent_is_caught_by_exactly_the_right_check(agent: type[MetaAgent]) -> None:
    with pytest.raises(ConformanceError) as caught:
        check_agent(agents.spec_of(agent), suite=POINT_ROBOT, steps=500)

    assert set(caught.value.failures) == BROKEN_AGENTS[agent], str(caught.value)


def test_every_rule_for_agents_is_broken_by_some_agent() -> None:
    rules = {check.name for check in agent_checks("random", suite=POINT_ROBOT, steps=500)}

    assert set().union(*BROKEN_AGENTS.values()) == rules


def test_a_sound_agent_passes() -> None:
    check_agent(agents.spec_of(agents.Sound), suite=POINT_ROBOT, steps=500)


def test_a_deterministic_agent_that_says_so_passes() -> None:
    check_agent(agents.spec_of(agents.Deterministic), suite=POINT_ROBOT, steps=500, deterministic=True)


def test_an_agent_that_wrongly_says_that_seeds_change_nothing_is_caught() -> None:
    with pytest.raises(ConformanceError) as caught:
        check_agent("random", suite=POINT_ROBOT, steps=500, deterministic=True)

    assert set(caught.value.failures) == {"seeds_change_nothing"}


def test_without_scikit_learn_the_leak_check_is_skipped_and_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.ensemble", None)

    with pytest.warns(UserWarning, match=r"first_observations_do_not_tell_the_task.*metarl-bench\[testing\]"):
        check_suite(POINT_ROBOT)


def test_the_error_lists_every_broken_rule_with_its_message() -> None:
    with pytest.raises(
        ConformanceError, match=r"(?s)breaks 2 rules.*- spec_is_sound: .*- failing_never_pays: "
    ) as caught:
        check_suite(with_spec(failure_return=-1.0))

    assert list(caught.value.failures) == ["spec_is_sound", "failing_never_pays"]
