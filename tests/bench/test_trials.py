"""The meta-test: what is played and recorded, and what an agent's mistakes cost."""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from metarl_bench import checkpoints
from metarl_bench.agents import Adaptation
from metarl_bench.cells import Cell, Plan
from metarl_bench.errors import ConfigError
from metarl_bench.registry import make_suite
from metarl_bench.tasks import Suite
from metarl_bench.testing import CountingAgent, Script, ScriptedAgent, UntrainedAgent, play_trials, random_script
from metarl_bench.trials import MetaTest
from metarl_bench.worlds import Outcome, WorldIndex
from metarl_suites.toy.specs import SPARSE_POINT_ROBOT
from metarl_suites.toy.suite import SparsePointRobotSuite
from metarl_suites.toy.worlds import SparsePointRobotWorlds

DENSE = make_suite("toy/point-robot-v1")
SPARSE = make_suite("toy/sparse-point-robot-v1")
HORIZON = DENSE.spec.horizon


class StopsAtTheGoal(SparsePointRobotWorlds):
    def _advance(self, worlds: WorldIndex, actions: np.ndarray) -> Outcome:
        outcome = super()._advance(worlds, actions)
        return outcome._replace(terminated=outcome.success)


class GivesUp(SparsePointRobotWorlds):
    """Its simulator gives up in world 1, at the third step."""

    def _advance(self, worlds: WorldIndex, actions: np.ndarray) -> Outcome:
        outcome = super()._advance(worlds, actions)
        return outcome._replace(invalid=(self._elapsed[worlds] == 2) & (np.arange(self.num_envs)[worlds] == 1))


class FragileSuite(SparsePointRobotSuite):
    worlds = GivesUp


class Raises(SparsePointRobotWorlds):
    """Breaks at the third step, and takes note of being closed."""

    closed_ones = 0

    def _advance(self, worlds: WorldIndex, actions: np.ndarray) -> Outcome:
        if self._elapsed.max() == 2:
            raise RuntimeError("the simulator is broken")
        return super()._advance(worlds, actions)

    def close(self, **options: Any) -> None:
        type(self).closed_ones += 1


class RaisingSuite(SparsePointRobotSuite):
    worlds = Raises


class StoppingSuite(SparsePointRobotSuite):
    """Ends the episode at the goal, as some robot tasks do."""

    worlds = StopsAtTheGoal


def play(
    script: Script, *, suite: Suite = DENSE, tasks: int = 4, trials: int | None = None, shots: int = 0
) -> MetaTest:
    return play_trials(
        ScriptedAgent(script), suite, adaptation_episodes=shots, num_tasks=tasks, num_trials=trials or tasks
    )


def still(observations: np.ndarray, episode: int, step: int) -> np.ndarray:
    return np.zeros_like(observations)


def failing_when(condition: Callable[[int, int], bool], fault: Callable[[np.ndarray], Any]) -> Script:
    """Returns a script that stands still, but commits the fault at (episode, step) where the condition holds."""

    def script(observations: np.ndarray, episode: int, step: int) -> Any:
        return fault(observations) if condition(episode, step) else still(observations, episode, step)

    return script


def raise_error(observations: np.ndarray) -> Any:
    raise RuntimeError("the network is unwell")


# -- records -----------------------------------------------------------------------------------------------------------


def test_there_is_exactly_one_record_per_task_trial_shot_and_episode() -> None:
    found = play_trials(
        ScriptedAgent(still), DENSE, adaptation_episodes=2, evaluation_episodes=3, num_tasks=5, num_trials=10
    )

    places = [(row["phase"], row["task"], row["trial"], row["shot"], row["episode"]) for row in found.rows]
    tasks = {task.index for task in (DENSE.tasks("test")[i] for i in (3, 9, 15, 21, 27))}
    expected = {("evaluation", *place) for place in itertools.product(tasks, range(2), range(3), range(3))}
    expected |= {("adaptation", *place, 0) for place in itertools.product(tasks, range(2), range(2))}
    assert len(places) == len(expected)
    assert set(places) == expected


def test_the_agent_is_told_of_every_episode_and_step() -> None:
    agent = CountingAgent(DENSE.spec)

    play_trials(agent, DENSE, adaptation_episodes=2, evaluation_episodes=3, num_tasks=5)

    episodes = 2 + 3 * 3
    assert agent.counts == {
        "start_trials": 1,
        "fork": 3,
        "begin_episode": episodes,
        "act": episodes * HORIZON,
        "observe": episodes * HORIZON,
        "end_episode": episodes,
        "adaptation steps": 2 * 5 * HORIZON,
        "evaluation steps": 9 * 5 * HORIZON,
    }


@pytest.mark.parametrize(
    "suite", [SPARSE, StoppingSuite(spec=SPARSE_POINT_ROBOT)], ids=["runs on", "stops at the goal"]
)
def test_who_solves_one_goal_of_four_scores_a_quarter(suite: Suite) -> None:
    angle = SPARSE.tasks("test")[11].number("angle")
    direction = np.array([np.cos(angle), np.sin(angle)])

    def towards_one_goal(observations: np.ndarray, episode: int, step: int) -> np.ndarray:
        return np.tile(direction if step < 10 else np.zeros(2), (len(observations), 1))

    found = play(towards_one_goal, suite=suite)

    assert {row["task"]: row["success"] for row in found.rows} == {3: False, 11: True, 18: False, 26: False}
    assert np.mean([row["success"] for row in found.rows]) == 0.25
    lengths = {row["task"]: row["length"] for row in found.rows}
    assert lengths[3] == lengths[18] == lengths[26] == SPARSE.spec.horizon
    assert lengths[11] == (SPARSE.spec.horizon if suite is SPARSE else 9)


def test_returns_are_the_sums_of_rewards_and_within_trial_is_their_mean_over_worlds() -> None:
    found = play(still, shots=2)

    adaptation = [row["return"] for row in found.rows if row["phase"] == "adaptation"]
    assert found.within_trial.shape == (2 * HORIZON,)
    assert found.within_trial.sum() * 4 == pytest.approx(sum(adaptation))


def test_shots_are_evaluated_from_the_same_initial_states_and_adaptation_episodes_from_new_ones() -> None:
    found = play(still, shots=2)

    def returns(phase: str, shot: int) -> list[float]:
        return [row["return"] for row in found.rows if row["phase"] == phase and row["shot"] == shot]

    assert returns("evaluation", 0) == returns("evaluation", 1) == returns("evaluation", 2)
    assert returns("adaptation", 0) != returns("adaptation", 1)
    assert returns("adaptation", 0) != returns("evaluation", 0)


def test_two_agents_meet_the_same_tasks_in_the_same_states() -> None:
    met: dict[str, list[np.ndarray]] = {"first": [], "second": []}

    def noting(name: str, action: float) -> Script:
        def script(observations: np.ndarray, episode: int, step: int) -> np.ndarray:
            if step == 0:
                met[name].append(observations)
            return np.full_like(observations, action)

        return script

    for name, action in (("first", 0.0), ("second", 1.0)):
        play_trials(ScriptedAgent(noting(name, action)), DENSE, adaptation_episodes=1, num_tasks=3, agent_id=name)

    np.testing.assert_array_equal(np.array(met["first"]), np.array(met["second"]))


def test_two_trials_of_a_task_start_in_other_states() -> None:
    found = play(still, tasks=2, trials=4)

    first, second = [row["return"] for row in found.rows if row["task"] == found.rows[0]["task"]]
    assert first != second


def test_the_same_meta_test_twice_gives_equal_records() -> None:
    first, second = (play(random_script(DENSE.spec, seed=3), shots=1) for _ in range(2))

    assert first.rows == second.rows
    np.testing.assert_array_equal(first.within_trial, second.within_trial)


# -- faults ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_an_action_that_is_not_finite_fails_the_episode_of_its_world_only(value: float) -> None:
    def in_world_two(observations: np.ndarray) -> np.ndarray:
        actions = np.zeros_like(observations)
        actions[2, 1] = value
        return actions

    sound = play(still).rows
    test = play(failing_when(lambda episode, step: step == 5, in_world_two))
    found = test.rows

    assert test.errors == [f"act returned {value}; expected finite numbers: the episode fails"]
    assert [row["failed"] for row in found] == [False, False, True, False]
    assert found[2] | {"task": sound[2]["task"]} == sound[2] | {
        "return": DENSE.spec.failure_return,
        "success": False,
        "failed": True,
        "length": 5,
        "success_at_end": False,
    }
    assert [row for row in found if not row["failed"]] == [row for row in sound if row["task"] != sound[2]["task"]]


@pytest.mark.parametrize("stays", [True, False])
def test_success_at_the_last_step_is_told_apart_from_success_at_any(stays: bool) -> None:
    goal = np.array([[worlds["goal_x"], worlds["goal_y"]] for worlds in (dict(t.params) for t in DENSE.tasks("test"))])

    def reach_and_leave(observations: np.ndarray, episode: int, step: int) -> np.ndarray:
        leaves = not stays and step >= HORIZON - 3
        return -np.sign(goal) if leaves else (goal - observations) / 0.1

    found = play(reach_and_leave, tasks=30)

    assert all(row["success"] for row in found.rows)
    assert {row["success_at_end"] for row in found.rows} == {stays}


def test_a_failed_episode_does_not_count_as_success_even_after_reaching_the_goal() -> None:
    goal = np.array([[worlds["goal_x"], worlds["goal_y"]] for worlds in (dict(t.params) for t in DENSE.tasks("test"))])

    def reach_then_fail(observations: np.ndarray, episode: int, step: int) -> np.ndarray:
        fails = step == HORIZON - 1
        return np.full_like(observations, np.nan) if fails else (goal - observations) / 0.1

    found = play(reach_then_fail, tasks=30)

    assert all(row["failed"] and not row["success"] and not row["success_at_end"] for row in found.rows)


FAULTS: dict[str, tuple[Callable[[np.ndarray], Any], str]] = {
    "raises": (raise_error, "RuntimeError: the network is unwell"),
    "none": (lambda observations: None, "act returned object(); expected numbers of shape (4, 2)"),
    "text": (lambda observations: "left", "act returned <U4(); expected numbers of shape (4, 2)"),
    "objects": (lambda observations: observations.astype(object), "act returned object(4, 2); expected numbers"),
    "flags": (lambda observations: observations > 0.0, "act returned bool(4, 2); expected numbers"),
    "one world too few": (lambda observations: observations[1:], "act returned float32(3, 2); expected numbers"),
    "one action for all": (lambda observations: observations[0], "act returned float32(2,); expected numbers"),
    "one axis too many": (lambda observations: observations[None], "act returned float32(1, 4, 2); expected numbers"),
    "ragged list": (lambda observations: [[0.0, 0.0], [0.0]], "ValueError"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_act_fails_the_episode_and_the_run_goes_on(fault: str) -> None:
    commit, message = FAULTS[fault]

    found = play(failing_when(lambda episode, step: episode == 1 and step == 3, commit), shots=1)

    # Episode 1 is the evaluation after the adaptation episode.
    for row in found.rows:
        spoilt = row["phase"] == "evaluation" and row["shot"] == 1
        assert row["failed"] == spoilt
        assert (row["return"] == DENSE.spec.failure_return) == spoilt
        assert row["length"] == (3 if spoilt else HORIZON)
    assert len(found.errors) == 1
    assert message in found.errors[0]


def test_worlds_that_had_ended_before_act_raised_keep_their_episodes() -> None:
    angle = SPARSE.tasks("test")[11].number("angle")

    def script(observations: np.ndarray, episode: int, step: int) -> np.ndarray:
        return raise_error(observations) if step == 30 else np.tile([np.cos(angle), np.sin(angle)], (4, 1))

    found = play(script, suite=StoppingSuite(spec=SPARSE_POINT_ROBOT))

    assert {row["task"]: row["failed"] for row in found.rows} == {3: True, 11: False, 18: True, 26: True}


def test_where_the_simulator_gives_up_the_episode_fails_and_nobody_is_blamed() -> None:
    found = play(still, suite=FragileSuite(spec=SPARSE_POINT_ROBOT))

    assert [row["failed"] for row in found.rows] == [False, True, False, False]
    assert found.rows[1]["return"] == SPARSE.spec.failure_return
    assert found.rows[1]["length"] == 3
    assert found.errors == []


def test_what_a_suite_raises_ends_the_meta_test_and_fails_no_episode_of_the_agent() -> None:
    before = Raises.closed_ones
    with pytest.raises(RuntimeError, match="the simulator is broken"):
        play(still, suite=RaisingSuite(spec=SPARSE_POINT_ROBOT))
    assert Raises.closed_ones == before + 1


def test_what_a_watcher_raises_is_not_booked_to_the_agent() -> None:
    class Blind:
        def begin(self, *seen: object) -> None:
            pass

        def after_step(self, *seen: object) -> None:
            raise ConfigError("the film tore")

    plan = Plan.of(Cell(protocol="smoke-v1", suite=DENSE.spec.id, agent="random", seed=0))
    with pytest.raises(ConfigError, match="the film tore"):
        checkpoints.test_split(plan.build_agent(), plan, "test", steps=0, num_threads=1, watcher=Blind())


def test_an_error_that_repeats_is_noted_once() -> None:
    found = play(failing_when(lambda episode, step: True, raise_error), shots=2)

    assert all(row["failed"] for row in found.rows)
    assert len(found.errors) == 1


def test_failed_worlds_are_left_out_of_the_reward_within_the_trial() -> None:
    def fail_world_zero(observations: np.ndarray) -> np.ndarray:
        actions = np.zeros_like(observations)
        actions[0] = np.nan
        return actions

    sound = play(still, shots=1)
    found = play(failing_when(lambda episode, step: step == 0, fail_world_zero), shots=1)

    rows = [row for row in sound.rows if row["phase"] == "adaptation"]
    assert found.within_trial.sum() == pytest.approx(np.mean([row["return"] for row in rows[1:]]))


def test_a_trial_in_which_all_worlds_fail_has_no_reward_within_it() -> None:
    found = play(failing_when(lambda episode, step: True, raise_error), shots=1)

    assert np.isnan(found.within_trial).all()


def test_actions_out_of_range_are_clipped_and_counted() -> None:
    def far(observations: np.ndarray, episode: int, step: int) -> np.ndarray:
        actions = np.ones(observations.shape)
        actions[1] = 1e30
        actions[2, 0] = -1.0 if step < 15 else -1.5
        return actions

    def near(observations: np.ndarray, episode: int, step: int) -> np.ndarray:
        return np.clip(far(observations, episode, step), -1.0, 1.0)

    clipped, inside = play(far).rows, play(near).rows

    assert [row["clipped"] for row in clipped] == [0, HORIZON, 5, 0]
    assert [row["clipped"] for row in inside] == [0, 0, 0, 0]
    assert [row["return"] for row in clipped] == [row["return"] for row in inside]


def test_an_agent_that_writes_into_what_it_is_given_changes_nothing() -> None:
    class Scribbler(UntrainedAgent):
        def start_trials(self, num_worlds: int, *, rng: Any, privileged: Any = None) -> Adaptation:
            return Scribbling()

    class Scribbling(Adaptation):
        def begin_episode(self, observations: Any, *, episode: int, phase: Any) -> None:
            observations[:] = 1e6

        def act(self, observations: Any, *, active: Any, explore: bool) -> Any:
            observations[:] = 0.0
            active[:] = False
            return observations

        def observe(self, transition: Any) -> None:
            for array in transition:
                array[...] = 1

    found = play_trials(Scribbler(), DENSE, adaptation_episodes=1, num_tasks=4)

    assert found.rows == play(still, shots=1).rows
    assert not found.errors


@pytest.mark.parametrize("method", ["start_trials", "fork", "begin_episode", "observe"])
def test_a_fault_anywhere_in_an_agent_fails_its_episodes_and_never_the_run(method: str) -> None:
    class Faulty(UntrainedAgent):
        def start_trials(self, num_worlds: int, *, rng: Any, privileged: Any = None) -> Adaptation:
            adaptation = FaultyAdaptation()
            if method == "start_trials":
                raise_error(np.zeros(0))
            return adaptation

    class FaultyAdaptation(Adaptation):
        def act(self, observations: Any, *, active: Any, explore: bool) -> Any:
            return np.zeros_like(observations)

    if method != "start_trials":
        setattr(FaultyAdaptation, method, lambda self, *args, **options: raise_error(np.zeros(0)))

    found = play_trials(Faulty(), DENSE, adaptation_episodes=1, num_tasks=4)

    assert len(found.rows) == 12
    for row in found.rows:
        assert row["failed"] == (method != "fork" or row["phase"] == "evaluation")
    assert len(found.errors) == 1
    assert "the network is unwell" in found.errors[0]


def test_task_parameters_are_given_to_privileged_agents_only() -> None:
    seen: list[Any] = []

    class Privileged(ScriptedAgent):
        def start_trials(self, num_worlds: int, *, rng: Any, privileged: Any = None) -> Adaptation:
            seen.append(privileged)
            return super().start_trials(num_worlds, rng=rng)

    for division in ("standard", "privileged"):
        play_trials(Privileged(still), DENSE, adaptation_episodes=0, num_tasks=30, division=division)

    assert seen[0] is None
    np.testing.assert_array_equal(seen[1], [[value for _, value in task.params] for task in DENSE.tasks("test")])
