"""Meta-World's own evaluation run on our agents, and agents of its protocol in our meta-test."""

from __future__ import annotations

import functools
import json
import pickle
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium
import metaworld
import numpy as np
import pandas as pd
import pytest
from metaworld.evaluation import metalearning_evaluation
from numpy.typing import NDArray
from typing_extensions import override

from metarl_bench import protocols
from metarl_bench.agents import Adaptation, Transition, TrialShape
from metarl_bench.cells import Cell
from metarl_bench.errors import ConfigError
from metarl_bench.metaworld_agents import MetaLearningAgent, MetaWorldAgent, Timestep
from metarl_bench.protocols import Protocol
from metarl_bench.registry import make_suite
from metarl_bench.runner import run_cell
from metarl_bench.testing import ScriptedAgent, UntrainedAgent, play_trials
from metarl_suites.manipulation import legacy
from metarl_suites.manipulation.library_agent import LibraryAgent
from metarl_suites.manipulation.suite import SEED, goal_of

pytestmark = pytest.mark.filterwarnings("ignore:Constant")
SUITE = make_suite("manipulation/ml1-reach-v1")
# Places in the test list that a meta-test of four tasks takes.
PLACES = (6, 18, 31, 43)


@functools.cache
def benchmark() -> Any:
    return metaworld.ML1("reach-v3", seed=SEED)


def library_envs(places: tuple[int, ...]) -> Any:
    """Returns Meta-World's own test environments of some goals, as its evaluation wants them."""
    options = {"terminate_on_success": True, "task_select": "pseudorandom"}
    make = partial(metaworld._init_each_env, env_cls=benchmark().test_classes["reach-v3"], **options)
    return gymnasium.vector.SyncVectorEnv(
        [partial(make, tasks=[benchmark().test_tasks[place]]) for place in places],
        autoreset_mode=gymnasium.vector.AutoresetMode.SAME_STEP,
    )


# -- our agents in Meta-World's evaluation -----------------------------------------------------------------------------


def test_the_legacy_number_of_an_agent_that_solves_one_goal_of_four_is_one() -> None:
    goal = goal_of(SUITE.spec, SUITE.tasks("test")[PLACES[3]])[1][3:]
    agent = ScriptedAgent(lambda observations, episode, step: towards(goal, observations))
    unbiased = play_trials(agent, SUITE, adaptation_episodes=0, num_tasks=4)
    bridge = LibraryAgent(agent, library_envs(PLACES), np.random.default_rng(0))
    score, _, by_kind = metalearning_evaluation(bridge, bridge.envs, num_evals=1, adaptation_episodes=1)
    assert np.mean([row["success"] for row in unbiased.rows]) == 0.25
    assert score == 1.0
    assert by_kind == {"reach-v3": 1.0}


class Noting(UntrainedAgent):
    """Moves up and down by its own count, and notes what it is told."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def start_trials(self, num_worlds: int, **_: Any) -> Adaptation:
        return NotingInTrial(self.told)


class NotingInTrial(Adaptation):
    def __init__(self, told: list[Any]) -> None:
        self._told = told
        self._rewards = 0.0

    def begin_episode(self, observations: NDArray[np.float32], *, episode: int, phase: str) -> None:
        self._told.append((phase, episode, observations.tobytes()))

    def act(self, observations: NDArray[np.float32], *, active: NDArray[np.bool_], explore: bool) -> Any:
        # Depends on all that was seen in the trial: forks that are not independent show.
        actions = np.sin(self._rewards + np.arange(4) + 10 * observations[:, :1]) + 0.5 * explore
        return actions.astype(np.float32)

    def observe(self, transition: Transition) -> None:
        self._rewards = self._rewards + transition.reward[:, np.newaxis]
        self._told.append([array.tobytes() for array in transition])

    def end_episode(self) -> None:
        self._told.append("end")

    def fork(self) -> Adaptation:
        child = NotingInTrial(self._told)
        child._rewards = self._rewards + 0.0
        return child


def test_an_agent_is_told_the_same_as_in_our_meta_test() -> None:
    ours, theirs = Noting(), Noting()
    # One goal, since in Meta-World's evaluation episodes of several goals part.
    play_trials(ours, SUITE, adaptation_episodes=2, num_tasks=1)
    bridge = LibraryAgent(theirs, library_envs((25,)), np.random.default_rng(0))
    metalearning_evaluation(bridge, bridge.envs, num_evals=1, adaptation_episodes=2, evaluation_episodes=1)
    begins = [place for place, entry in enumerate(ours.told) if isinstance(entry, tuple)]
    episodes = [ours.told[begin:end] for begin, end in zip(begins, [*begins[1:], None], strict=True)]
    kept = [episode for episode in episodes if episode[0][0] == "adaptation"] + episodes[-1:]
    expected = [entry for episode in kept for entry in episode]
    assert [episode[0][:2] for episode in kept] == [("adaptation", 0), ("adaptation", 1), ("evaluation", 2)]
    assert len(expected) == 3 * 502
    # Its evaluation begins one more episode at the end, which nobody plays.
    assert theirs.told == expected[:-1]


def test_each_evaluation_episode_is_played_from_a_fork_of_the_adapted_state() -> None:
    # One of the four goals is solved early, so that its world goes on to further episodes while the others play one.
    goal = goal_of(SUITE.spec, SUITE.tasks("test")[PLACES[3]])[1][3:]
    begun: list[tuple[int, int, str]] = []

    class Counting(ScriptedAgent):
        def start_trials(self, num_worlds: int, **_: Any) -> Adaptation:
            return CountingInTrial()

    class CountingInTrial(Adaptation):
        def __init__(self) -> None:
            self.steps = 0

        def begin_episode(self, observations: NDArray[np.float32], *, episode: int, phase: str) -> None:
            begun.append((self.steps, episode, phase))

        def act(self, observations: NDArray[np.float32], *, active: NDArray[np.bool_], explore: bool) -> Any:
            self.steps += 1
            return towards(goal, observations)

    bridge = LibraryAgent(Counting(lambda *_: None), library_envs(PLACES), np.random.default_rng(0))
    metalearning_evaluation(bridge, bridge.envs, num_evals=1, adaptation_episodes=1, evaluation_episodes=3)
    # The library stops with the third success of the same goal.
    assert begun == [(0, 0, "adaptation"), (500, 1, "evaluation"), (500, 1, "evaluation"), (500, 1, "evaluation")]


def test_the_environments_of_the_legacy_number_have_the_goals_of_the_test_list() -> None:
    envs = legacy.library_envs(SUITE, legacy.Shape(goals=4, envs=2))
    tasks = [task for part in envs.get_attr("tasks") for task in part]
    expected = benchmark().test_tasks[:4]
    assert {task.data for task in tasks} == {task.data for task in expected}


TINY = Protocol(
    id="tiny-v1",
    purpose="a test",
    adaptation_episodes=1,
    evaluation_episodes=1,
    num_tasks=2,
    num_trials=2,
    checkpoints=(),
    budget=500,
    final_splits=(),
)


def test_both_numbers_of_a_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(protocols, "PROTOCOLS", (TINY,))
    run = run_cell(Cell(protocol=TINY.id, suite=SUITE.spec.id, agent="random", seed=0), tmp_path).folder
    monkeypatch.setattr(legacy, "_ML1", legacy.Shape(goals=1, envs=1))
    monkeypatch.setattr(legacy, "_ADAPTATION_EPISODES", 1)
    monkeypatch.setattr(legacy, "_EVALUATION_EPISODES", 1)
    monkeypatch.setattr("sys.argv", ["legacy", str(run / "checkpoints" / "500"), "--out", str(tmp_path / "out")])
    legacy.main()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "random on manipulation/ml1-reach-v1, seed 0, 500 steps (tiny-v1)"
    assert [line.split()[0] for line in lines[2:]] == ["kind", "reach", "all", "adaptation", "goals"]
    name = "legacy-ml1-reach-v1-random-seed-0-500"
    found = json.loads((tmp_path / "out" / f"{name}.json").read_text())
    assert found["legacy"].keys() == found["unbiased"].keys()
    assert found["legacy"]["by_kind"].keys() == found["unbiased"]["by_kind"].keys() == {"reach"}
    # Two tasks out of the middle of the list, and the library's evaluation has the first goal.
    assert (found["legacy"]["goals"], found["unbiased"]["goals"], found["unbiased_shared"]["goals"]) == (1, 2, 0)
    assert found["unbiased_shared"]["success"] is None
    table = (tmp_path / "out" / f"{name}.md").read_text().splitlines()
    assert table[0] == f"# {lines[0]}"
    assert table[2] == "| kind | legacy | unbiased | unbiased, shared goals |"
    assert table[5].startswith("| all |")


def test_shared_goals_are_those_that_the_environments_of_the_legacy_number_have() -> None:
    suite = make_suite("manipulation/ml10-v1")
    envs = legacy.library_envs(suite, legacy.Shape(goals=4, envs=1))
    tasks = [task for part in envs.get_attr("tasks") for task in part]
    played = {(task.env_name, pickle.loads(task.data)["rand_vec"].tobytes()) for task in tasks}
    # Every other task, as if a policy solved those that the library does not play.
    places = range(0, 250, 2)
    rows = pd.DataFrame({"task": places, "shot": 10, "success": [place % 50 >= 4 for place in places]})
    shared = legacy.shared(rows, legacy.Shape(goals=4, envs=1))
    goals = [goal_of(suite.spec, task) for task in suite.tasks("test")]
    keys = [(f"{kind}-v3", vector.tobytes()) for kind, vector in goals]
    assert shared["task"].tolist() == [place for place in places if keys[place] in played]
    found, on_shared = legacy.unbiased(rows, suite), legacy.unbiased(shared, suite)
    assert (found["success"], found["goals"]) == (115 / 125, 125)
    assert (on_shared["success"], on_shared["goals"]) == (0.0, 10)
    assert on_shared["by_kind"] == dict.fromkeys({kind for kind, _ in goals}, 0.0)


def test_runs_on_other_suites_have_no_legacy_number(tmp_path: Path) -> None:
    cell = Cell(protocol="smoke-v1", suite="toy/point-robot-v1", agent="random", seed=0)
    run = run_cell(cell, tmp_path).folder
    with pytest.raises(ConfigError, match="expected one of Meta-World's"):
        legacy.legacy(run / "checkpoints" / "8000")


# -- agents of Meta-World's protocol in our meta-test ------------------------------------------------------------------

# m; where the hand looks for the goal.
POINTS = np.array([(x, y, z) for z in (0.08, 0.17, 0.26) for x in (-0.08, 0.0, 0.08) for y in (0.85,)])


class Searcher:
    """Written against Meta-World's protocol: looks around, and then goes to where it was paid best."""

    def __init__(self, num_worlds: int) -> None:
        self.calls: Counter[str] = Counter()
        self._num_worlds = num_worlds

    def init(self) -> None:
        self.calls["init"] += 1
        self._steps = 0
        self._best = np.full(self._num_worlds, -np.inf)
        self._place = np.zeros((self._num_worlds, 3))
        self._adapted = False

    def adapt_action(self, observations: NDArray[np.float64]) -> tuple[NDArray[Any], dict[str, NDArray[Any]]]:
        assert observations.dtype == np.float64
        point = POINTS[self._steps // 55 % len(POINTS)]
        self._steps += 1
        return towards(point, observations), {"hand": observations[:, :3].copy()}

    def step(self, timestep: Timestep) -> None:
        self.calls["step"] += 1
        better = timestep.reward > self._best
        self._best = np.where(better, timestep.reward, self._best)
        self._place[better] = timestep.aux_policy_outputs["hand"][better]

    def adapt(self) -> None:
        self.calls["adapt"] += 1
        self._adapted = True

    def eval_action(self, observations: NDArray[np.float64]) -> NDArray[Any]:
        return towards(self._place, observations) if self._adapted else np.zeros((len(observations), 4))

    def reset(self, env_mask: NDArray[np.bool_]) -> None:
        self.calls["reset"] += 1


def towards(goal: NDArray[np.floating[Any]], observations: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """Returns actions that move the hands to a goal; the same for observations of single and double precision."""
    moves = 10 * (goal.astype(np.float32) - observations[:, :3].astype(np.float32))
    return np.pad(np.clip(moves, -1, 1), ((0, 0), (0, 1))).astype(np.float32)


class SearcherInTrials(MetaWorldAgent, UntrainedAgent):
    """The same as an agent of ours."""

    made: Searcher

    @override
    def make(self, num_worlds: int, rng: np.random.Generator) -> MetaLearningAgent:
        self.made = Searcher(num_worlds)
        return self.made


def searcher(adaptation_episodes: int, *, kind: type[SearcherInTrials] = SearcherInTrials) -> SearcherInTrials:
    trial = TrialShape(adaptation_episodes=adaptation_episodes, evaluation_episodes=1, horizon=500)
    return kind(SUITE.spec, trial, None, np.random.default_rng(0))


def test_an_agent_of_the_library_adapts_once_after_all_adaptation_episodes() -> None:
    agent = searcher(2)
    found = play_trials(agent, SUITE, adaptation_episodes=2, num_tasks=3)
    assert found.errors == []
    first, second, last = (
        np.array([row["return"] for row in found.rows if (row["phase"], row["shot"]) == ("evaluation", shot)])
        for shot in range(3)
    )
    assert np.array_equal(first, second)
    assert (last > 1.5 * first).all()
    assert any(row["success"] for row in found.rows if (row["phase"], row["shot"]) == ("evaluation", 2))
    # Evaluation episodes are played from forks, whose calls these are not.
    assert agent.made.calls == {"init": 1, "step": 1000, "adapt": 1}


def test_recurrent_agents_see_the_last_action_and_reward() -> None:
    class Recurrent(SearcherInTrials):
        recurrent_info_in_obs = True
        seen: list[NDArray[np.float64]]

        @override
        def make(self, num_worlds: int, rng: np.random.Generator) -> MetaLearningAgent:
            made = super().make(num_worlds, rng)
            self.seen = []
            act = self.made.adapt_action
            self.made.adapt_action = lambda seen: (self.seen.append(seen), act(seen))[1]  # type: ignore[method-assign]
            return made

    agent = searcher(1, kind=Recurrent)
    assert play_trials(agent, SUITE, adaptation_episodes=1, num_tasks=1).errors == []
    envs = metaworld.make_ml_envs_test("reach-v3", seed=SEED, meta_batch_size=1, recurrent_info_in_obs=True)
    envs.call("toggle_terminate_on_success", False)
    for env in envs.envs:
        env.unwrapped.set_task(benchmark().test_tasks[25])
    expected, _ = envs.reset()
    other = Searcher(1)
    other.init()
    for seen in agent.seen[:100]:
        assert np.array_equal(seen.astype(np.float32), expected.astype(np.float32))
        expected, *_ = envs.step(other.adapt_action(expected.astype(np.float64))[0])


def test_both_adapters_in_a_row_give_what_the_library_gives() -> None:
    alone, wrapped = Searcher(4), searcher(1)
    bridge = LibraryAgent(wrapped, library_envs(PLACES), np.random.default_rng(0))
    options = {"num_evals": 1, "adaptation_episodes": 1, "evaluation_episodes": 2}
    assert metalearning_evaluation(bridge, bridge.envs, **options) == metalearning_evaluation(
        alone, library_envs(PLACES), **options
    )
