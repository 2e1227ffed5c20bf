"""The bookkeeping that all suites share: masks, seeds, horizons, failures of the simulator, snapshots."""

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

from metarl_bench.errors import ContractError
from metarl_bench.registry import make_suite
from metarl_bench.worlds import Outcome, WorldIndex
from metarl_suites.toy.specs import POINT_ROBOT
from metarl_suites.toy.worlds import PointRobotWorlds
from tests.bench.broken_suites import EndsOutside

SUITE = make_suite("toy/point-robot-v1")
TASKS = SUITE.tasks("test")[:3]


class GivesUp(PointRobotWorlds):
    """Its simulator gives up in world 1, at the third step."""

    def _advance(self, worlds: WorldIndex, actions: np.ndarray) -> Outcome:
        outcome = super()._advance(worlds, actions)
        third = self._elapsed[worlds] == 2
        return outcome._replace(invalid=third & (np.arange(self.num_envs)[worlds] == 1))


def ready(worlds_type: type[PointRobotWorlds] = PointRobotWorlds, *, seed: int = 0) -> PointRobotWorlds:
    worlds = worlds_type(POINT_ROBOT, len(TASKS))
    worlds.set_tasks(TASKS)
    worlds.reset(seed=seed)
    return worlds


def test_a_batch_needs_at_least_one_world() -> None:
    with pytest.raises(ContractError, match="num_worlds is 0; expected at least 1"):
        SUITE.make_worlds(0)


def test_one_seed_for_all_means_consecutive_seeds() -> None:
    worlds = ready()

    first, _ = worlds.reset(seed=5)
    second, _ = worlds.reset(seed=[5, 6, 7])

    np.testing.assert_array_equal(first, second)
    assert len({tuple(row) for row in first.tolist()}) == 3


def test_a_reset_without_a_seed_goes_on_with_each_worlds_own_stream() -> None:
    first, second = ready(seed=1), ready(seed=1)

    starts = [[worlds.reset()[0].tolist() for _ in range(3)] for worlds in (first, second)]

    assert starts[0] == starts[1]
    assert starts[0][0] != starts[0][1] != starts[0][2]


def test_worlds_that_were_never_seeded_are_seeded_by_chance() -> None:
    starts = []
    for _ in range(2):
        worlds = PointRobotWorlds(POINT_ROBOT, len(TASKS))
        worlds.set_tasks(TASKS)
        starts.append(worlds.reset()[0].tolist())

    assert starts[0] != starts[1]


def test_too_few_seeds_are_refused() -> None:
    with pytest.raises(ContractError, match="reset got 2 seeds; expected one per world"):
        ready().reset(seed=[1, 2])


@pytest.mark.parametrize("mask", [np.array([True, False]), np.array([1, 0, 1]), np.ones((3, 1), np.bool_)])
def test_a_mask_of_the_wrong_shape_or_type_is_refused(mask: np.ndarray) -> None:
    worlds = ready()

    with pytest.raises(ContractError, match=r"The mask is .*; expected bool\(3,\)"):
        worlds.reset(options={"reset_mask": mask})
    with pytest.raises(ContractError, match=r"The mask is .*; expected bool\(3,\)"):
        worlds.set_tasks(TASKS, mask)


def test_an_empty_mask_resets_nothing() -> None:
    worlds = ready()
    before, *_ = worlds.step(np.ones((3, 2)))

    after, _ = worlds.reset(seed=9, options={"reset_mask": np.zeros(3, np.bool_)})

    np.testing.assert_array_equal(before, after)


def test_the_world_in_which_the_simulator_gives_up_ends_at_the_price_of_the_worst() -> None:
    worlds = ready(GivesUp)
    total, infos = np.zeros(3), {}
    for _ in range(3):
        _, rewards, terminated, truncated, infos = worlds.step(np.zeros((3, 2)))
        total += rewards

    assert infos["invalid"].tolist() == terminated.tolist() == [False, True, False]
    assert not truncated.any()
    assert not infos["success"][1]
    assert rewards[1] == pytest.approx(POINT_ROBOT.failure_return * 18 / 20)
    _, rewards, *_, infos = worlds.step(np.zeros((3, 2)))
    assert rewards[1] == 0.0
    assert infos["active"].tolist() == [True, False, True]


def test_an_episode_that_terminates_at_the_horizon_is_not_truncated_too() -> None:
    worlds = EndsOutside(POINT_ROBOT, 1)
    worlds.set_tasks(TASKS[:1])
    worlds.reset(seed=0)
    for _ in range(19):
        _, _, terminated, truncated, _ = worlds.step(np.zeros((1, 2)))
        assert not (terminated | truncated).any()
        worlds._positions[:] = [[0.99, 0.0]]

    _, _, terminated, truncated, _ = worlds.step(np.ones((1, 2)))

    assert terminated.tolist() == [True]
    assert truncated.tolist() == [False]


def test_worlds_tell_gymnasium_that_they_are_never_reset_by_themselves() -> None:
    assert ready().metadata["autoreset_mode"] is AutoresetMode.DISABLED


def test_an_ended_world_can_be_begun_again_alone() -> None:
    worlds = ready()
    for _ in range(20):
        _, _, _, truncated, _ = worlds.step(np.zeros((3, 2)))
    assert truncated.all()

    worlds.reset(options={"reset_mask": np.array([False, True, False])})
    _, _, _, truncated, infos = worlds.step(np.zeros((3, 2)))

    assert truncated.tolist() == [True, False, True]
    assert infos["active"].tolist() == [False, True, False]


def test_a_snapshot_of_other_tasks_is_refused() -> None:
    snapshot, other = ready().snapshot(), ready()
    other.set_tasks(TASKS[::-1])

    with pytest.raises(ContractError, match="The snapshot is of other tasks"):
        other.restore(snapshot)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"positions": np.zeros((4, 2))}, r"positions is float64\(4, 2\); expected float64\(3, 2\)"),
        ({"positions": np.zeros((3, 2), np.float32)}, r"positions is float32\(3, 2\); expected float64\(3, 2\)"),
        ({"velocities": np.zeros((3, 2))}, "The snapshot has arrays .*velocities"),
    ],
)
def test_a_snapshot_that_does_not_fit_is_refused_and_changes_nothing(
    change: dict[str, np.ndarray], message: str
) -> None:
    worlds = ready()
    before = worlds.snapshot()

    with pytest.raises(ContractError, match=message):
        worlds.restore(ready(seed=4).snapshot() | change)

    after = worlds.snapshot()
    assert all(np.array_equal(before[name], after[name]) for name in before)


def test_a_snapshot_needs_tasks() -> None:
    with pytest.raises(ContractError, match="World 0 has no task"):
        SUITE.make_worlds(2).snapshot()


def test_integer_actions_are_numbers_too() -> None:
    first, second = ready(), ready()

    np.testing.assert_array_equal(first.step(np.ones((3, 2), np.int64))[0], second.step(np.ones((3, 2)))[0])
