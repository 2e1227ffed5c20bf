"""The only door to training: every step is counted, and no task shows its parameters."""

import copy
import dataclasses
from contextlib import nullcontext
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from metarl_bench.agents import Division, TrialShape
from metarl_bench.cells import Cell
from metarl_bench.errors import AgentError, BudgetExceeded, ContractError, SplitViolation
from metarl_bench.metering import MeteredWorlds, TaskHandle, TrainingGround
from metarl_bench.registry import SUITES, make_suite
from metarl_bench.runner import run_cell
from metarl_bench.tasks import Split, Suite, SuiteSpec, Task
from metarl_bench.testing import CountingAgent
from metarl_suites.toy.specs import POINT_ROBOT
from metarl_suites.toy.suite import PointRobotSuite
from metarl_suites.toy.worlds import PointRobotWorlds
from tests.bench import support

LEARNER = support.cell().agent
SUITE = make_suite("toy/point-robot-v1")
HORIZON = SUITE.spec.horizon
TRIAL = TrialShape(adaptation_episodes=1, evaluation_episodes=1, horizon=HORIZON)


class FourGoals(PointRobotSuite):
    """A finite distribution: training draws from a list of four tasks."""

    def frozen(self, split: Split) -> list[dict[str, float]]:
        return [{"goal_x": x, "goal_y": y} for x in (-1.0, 1.0) for y in (-1.0, 1.0)]

    def sample_tasks(self, count: int, rng: np.random.Generator) -> list[Task]:
        return [self.tasks("train")[i] for i in rng.integers(4, size=count)]


FINITE = FourGoals(spec=dataclasses.replace(POINT_ROBOT, finite_tasks=4))


def make_ground(
    suite: Suite = SUITE,
    *,
    budget: int = 1000,
    until: int = 1000,
    key: tuple[str | int, ...] = ("cell", 0),
    segment: int = 0,
    steps: int = 0,
    issued: int = 0,
    division: Division = "standard",
    **options: Any,
) -> TrainingGround:
    return TrainingGround(
        suite,
        trial=TRIAL,
        budget=budget,
        until=until,
        key=key,
        segment=segment,
        steps=steps,
        issued=issued,
        division=division,
        **options,
    )


def make_worlds(ground: TrainingGround, num_worlds: int) -> MeteredWorlds:
    worlds = ground.make_worlds(num_worlds)
    worlds.set_tasks(ground.sample_tasks(num_worlds))
    worlds.reset()
    return worlds


def still(worlds: MeteredWorlds) -> np.ndarray:
    return np.zeros((worlds.num_envs, 2))


def parameters_of(ground: TrainingGround, handles: list[TaskHandle]) -> list[list[float]]:
    """Returns the parameters behind handles; the ground must be of the privileged division."""
    worlds = ground.make_worlds(len(handles))
    worlds.set_tasks(handles)
    rows: list[list[float]] = worlds.privileged_parameters().tolist()
    return rows


def test_every_step_of_every_world_is_counted() -> None:
    seen: list[int] = []
    ground = make_ground(on_steps=seen.append)
    first, second = make_worlds(ground, 3), make_worlds(ground, 2)
    first.step(still(first))
    second.step(still(second))
    first.step(still(first))

    assert ground.steps == 8
    assert seen == [3, 5, 8]


def test_worlds_that_have_ended_are_not_counted() -> None:
    ground = make_ground()
    worlds = make_worlds(ground, 3)
    for _ in range(5):
        worlds.step(still(worlds))
    worlds.reset(options={"reset_mask": np.array([True, False, False])})
    for _ in range(HORIZON - 5):
        worlds.step(still(worlds))
    assert ground.steps == 3 * HORIZON

    *_, infos = worlds.step(still(worlds))

    assert infos["active"].tolist() == [True, False, False]
    assert ground.steps == 3 * HORIZON + 1


def test_the_first_step_beyond_the_budget_is_refused_and_not_executed() -> None:
    ground = make_ground(budget=10, until=10)
    worlds = make_worlds(ground, 4)
    for _ in range(2):
        before, *_ = worlds.step(np.ones((4, 2)))

    for _ in range(2):
        with pytest.raises(BudgetExceeded, match="A step of 4 worlds after 8 steps would pass the budget of 10"):
            worlds.step(np.ones((4, 2)))

    after, _ = worlds.reset(options={"reset_mask": np.zeros(4, np.bool_)})
    np.testing.assert_array_equal(before, after)
    assert ground.steps == 8


def test_the_budget_can_be_used_to_the_last_step() -> None:
    ground = make_ground(budget=10, until=10)
    wide, narrow = make_worlds(ground, 4), make_worlds(ground, 1)
    for worlds in (wide, wide, narrow, narrow):
        worlds.step(still(worlds))

    assert ground.steps == 10
    with pytest.raises(BudgetExceeded):
        narrow.step(still(narrow))


def test_the_end_of_a_segment_is_named_in_the_refusal() -> None:
    ground = make_ground(budget=100, until=10)
    worlds = make_worlds(ground, 11)

    with pytest.raises(BudgetExceeded, match="would pass this segment's end, 10"):
        worlds.step(still(worlds))


def test_an_iteration_has_room_up_to_the_last_step_and_not_beyond() -> None:
    ground = make_ground(budget=100, until=50)
    make_worlds(ground, 10).step(np.zeros((10, 2)))

    assert [ground.has_room(steps, 50) for steps in (40, 41, 100)] == [True, False, False]
    with pytest.raises(BudgetExceeded, match=r"takes 101 steps, and the whole budget is 100: nothing would be learned"):
        ground.has_room(101, 50)


def test_a_segment_never_ends_after_the_budget() -> None:
    assert make_ground(budget=10, until=50).until == 10


def test_refused_actions_are_not_counted() -> None:
    ground = make_ground()
    worlds = make_worlds(ground, 2)

    with pytest.raises(ContractError, match=r"NaN or infinite actions in worlds \[1\]"):
        worlds.step(np.array([[0.0, 0.0], [np.nan, 0.0]]))

    assert ground.steps == 0


def test_a_counting_agent_sees_exactly_the_budget() -> None:
    ground = make_ground(budget=1234, until=1234)
    agent = CountingAgent(SUITE.spec)

    agent.meta_train(ground, until=ground.until, rng=np.random.default_rng(0))

    assert agent.counts["training steps"] == ground.steps == 1234


def test_tasks_cannot_be_smuggled_in() -> None:
    ground = make_ground()
    worlds = ground.make_worlds(1)

    with pytest.raises(SplitViolation, match="Training got a test task with its parameters"):
        worlds.set_tasks([SUITE.tasks("test")[0]])
    with pytest.raises(SplitViolation, match="Training got int; expected a handle"):
        worlds.set_tasks([3])


def test_handles_of_another_ground_are_refused() -> None:
    ground, other = make_ground(), make_ground(key=("cell", 1))
    (handle,) = other.sample_tasks(1)
    ground.sample_tasks(1)

    with pytest.raises(SplitViolation, match="a handle of another ground"):
        ground.make_worlds(1).set_tasks([handle])


@pytest.mark.parametrize("task_id", [1, -1])
def test_handles_that_were_never_issued_are_refused(task_id: int) -> None:
    ground = make_ground()
    ground.sample_tasks(1)

    with pytest.raises(SplitViolation, match=f"Task {task_id} was never issued"):
        ground.make_worlds(1).set_tasks([ground.handle(task_id)])


def test_handles_hold_no_parameters() -> None:
    (handle,) = make_ground().sample_tasks(1)

    assert {field.name for field in dataclasses.fields(handle)} == {"id", "ground"}


@pytest.mark.parametrize(("suite", "different"), [(SUITE, 20), (FINITE, 4)], ids=["endless", "finite"])
def test_handles_name_the_same_task_in_every_segment(suite: Suite, different: int) -> None:
    first = make_ground(suite, division="privileged")
    handles = first.sample_tasks(20)
    later = make_ground(suite, division="privileged", segment=1, steps=400, issued=first.issued)
    reissued = [later.handle(handle.id) for handle in handles]

    assert parameters_of(first, handles) == parameters_of(later, reissued)
    assert len({tuple(row) for row in parameters_of(first, handles)}) == different


def test_new_handles_never_reuse_an_id() -> None:
    ground = make_ground(issued=5)

    assert [handle.id for handle in ground.sample_tasks(3)] == [5, 6, 7]
    assert [handle.id for handle in ground.sample_tasks(2)] == [8, 9]


def test_handles_of_a_finite_distribution_name_the_task_and_not_the_draw() -> None:
    handles = make_ground(FINITE).sample_tasks(40)

    assert {handle.id for handle in handles} == {0, 1, 2, 3}


def test_segments_and_batches_start_in_other_states() -> None:
    starts = []
    for segment in (0, 1):
        ground = make_ground(segment=segment)
        for _ in range(2):
            worlds = ground.make_worlds(2)
            worlds.set_tasks(ground.sample_tasks(2))
            starts += worlds.reset()[0].tolist()

    assert len({tuple(start) for start in starts}) == 8


def test_training_worlds_repeat_for_one_cell() -> None:
    starts = [make_worlds(make_ground(), 3).step(np.zeros((3, 2)))[:2] for _ in range(2)]

    np.testing.assert_array_equal(starts[0][0], starts[1][0])
    np.testing.assert_array_equal(starts[0][1], starts[1][1])


def test_training_worlds_cannot_be_seeded_rewound_or_read() -> None:
    worlds = make_worlds(make_ground(), 2)

    with pytest.raises(SplitViolation, match="reset got a seed"):
        worlds.reset(seed=1)
    with pytest.raises(SplitViolation, match="would reveal the task parameters"):
        worlds.snapshot()
    with pytest.raises(SplitViolation, match="would rewind"):
        worlds.restore({})


def test_privileged_parameters_are_for_the_privileged_division_only() -> None:
    with pytest.raises(SplitViolation, match='declare division="privileged"'):
        make_worlds(make_ground(), 2).privileged_parameters()

    view = make_worlds(make_ground(division="privileged"), 2).privileged_parameters()

    assert view.shape == (2, 2)
    assert (np.abs(view) <= 1.0).all()


def test_infos_of_training_worlds_hold_no_parameters() -> None:
    worlds = make_worlds(make_ground(), 2)
    _, reset_infos = worlds.reset()
    *_, infos = worlds.step(still(worlds))

    assert set(reset_infos) == {"success"}
    assert set(infos) == {"success", "active", "clipped", "invalid"}


class Talks(PointRobotWorlds):
    """Tells where the goal is, as environments of other people do."""

    opened: ClassVar[list["Talks"]] = []

    def __init__(self, suite: SuiteSpec, num_worlds: int) -> None:
        super().__init__(suite, num_worlds)
        self.closes = 0
        self.opened.append(self)

    def reset(self, **options: Any) -> Any:
        observations, infos = super().reset(**options)
        return observations, infos | {"goal": self._goals.copy()}

    def step(self, actions: Any) -> Any:
        *results, infos = super().step(actions)
        return *results, infos | {"goal": self._goals.copy()}

    def close(self, **options: Any) -> None:
        self.closes += 1


class TalkingSuite(PointRobotSuite):
    worlds = Talks


def test_infos_that_no_contract_asks_for_do_not_reach_training() -> None:
    worlds = make_worlds(make_ground(TalkingSuite(spec=POINT_ROBOT)), 2)
    _, infos = worlds.reset()
    assert "goal" not in infos
    *_, infos = worlds.step(still(worlds))
    assert "goal" not in infos


def test_the_end_of_a_segment_closes_its_worlds_once() -> None:
    ground = make_ground(TalkingSuite(spec=POINT_ROBOT))
    Talks.opened.clear()
    make_worlds(ground, 2).close()
    kept = make_worlds(ground, 1)
    ground.close()
    assert [worlds.closes for worlds in Talks.opened] == [1, 1]
    assert kept.closed


@pytest.mark.parametrize("protocol", ["smoke-v1", "scratch-v1"])
@pytest.mark.parametrize("misdeed", ["", "training raises"])
def test_a_run_closes_all_worlds_that_it_opened(protocol: str, misdeed: str, tmp_path: Path) -> None:
    suite = f"toy/talks-in-{protocol.removesuffix('-v1')}-{len(misdeed)}-v1"
    SUITES.register(dataclasses.replace(POINT_ROBOT, id=suite, factory=f"{__name__}:TalkingSuite"))
    Talks.opened.clear()
    cell = Cell(protocol=protocol, suite=suite, agent=LEARNER, seed=0, config=(("misdeed", misdeed),))
    with pytest.raises(AgentError) if misdeed else nullcontext():
        run_cell(cell, tmp_path, until=4000)
    assert Talks.opened
    assert {worlds.closes for worlds in Talks.opened} == {1}


def test_copies_that_would_step_for_free_are_refused() -> None:
    ground = make_ground(budget=100)
    worlds = ground.make_worlds(2)
    for uncounted in (ground, worlds):
        with pytest.raises(SplitViolation, match="would not be counted"):
            copy.deepcopy(uncounted)
