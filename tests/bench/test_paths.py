"""Paths over a map: where the robot went, among the walls of its task."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from metarl_bench.agents import Phase
from metarl_bench.cells import Cell, Plan
from metarl_bench.cli import main
from metarl_bench.episodes import Play
from metarl_bench.pictures.film import film_trial
from metarl_bench.pictures.paths import Drive, Tracer, attempts, plot_paths
from metarl_bench.registry import make_suite
from metarl_bench.testing import ScriptedAgent
from metarl_suites.navigation.specs import REACHED
from metarl_suites.navigation.worlds import DrivingWorlds
from tests.suites.navigation.library import IDS


def test_a_tracer_keeps_the_path_the_return_and_the_walls() -> None:
    suite = make_suite("navigation/drive-city-v1")
    worlds = suite.make_worlds(2, num_threads=1)
    worlds.set_tasks(suite.tasks("test")[:2])
    tracer, total = Tracer(1), 0.0
    for shot in range(2):
        worlds.reset(seed=shot)
        tracer.begin(Play("adaptation", shot, 0), worlds)
        for _ in range(10):
            _, rewards, *_ = worlds.step(np.array([[0.0, 1.0]] * 2))
            tracer.after_step(worlds, rewards, np.array([True, True]))
            total += rewards[1]
    assert [len(path) for _, path, _ in tracer.episodes] == [11, 11]
    assert sum(paid for *_, paid in tracer.episodes) == pytest.approx(total)
    _, path, _ = tracer.episodes[1]
    assert path[-1] == pytest.approx(worlds.scene(1)[1].body("car").xpos[:2])
    assert path[-1][0] > path[0][0] + 0.5
    # 16 blocks, 4 sides, and what is closed; nothing that is parked under the ground.
    assert 20 < len(tracer.walls) <= 37
    assert np.abs(tracer.walls).max() < 80.0


@pytest.mark.parametrize("suite_id", IDS)
def test_pictures_of_cars_mark_the_destination(suite_id: str) -> None:
    suite = make_suite(suite_id)
    worlds = suite.make_worlds(2, num_threads=1)
    assert isinstance(worlds, DrivingWorlds)
    worlds.set_tasks(suite.tasks("test_ood")[:2])
    worlds.reset(seed=0)
    for world, goal in enumerate(worlds.charts.goals):
        tracer = Tracer(world)
        tracer.begin(Play("adaptation", 0, 0), worlds)
        assert tracer.destination == pytest.approx((*goal, REACHED))


def test_models_without_a_destination_have_no_mark() -> None:
    suite = make_suite("locomotion/cheetah-velocity-v1")
    worlds = suite.make_worlds(1, num_threads=1)
    worlds.set_tasks(suite.tasks("test")[:1])
    worlds.reset(seed=0)
    tracer = Tracer(0)
    tracer.begin(Play("adaptation", 0, 0), worlds)
    assert tracer.destination is None


def test_the_attempts_of_a_trial_are_what_is_learned_from_and_what_is_scored() -> None:
    def played(phase: Phase, shot: int, episode: int) -> Drive:
        return Play(phase, shot, episode), [], 0.0

    forks = [played("evaluation", shot, episode) for shot in (0, 1) for episode in (0, 1)]
    first, second = played("adaptation", 0, 0), played("adaptation", 1, 0)
    scored = [played("evaluation", 2, episode) for episode in (0, 1)]
    assert attempts([*forks[:2], first, *forks[2:], second, *scored]) == [[first], [second], scored]
    assert attempts([first, second]) == [[first], [second]]
    assert attempts(forks[:2]) == [forks[:2]]


def test_render_paths_draws_the_attempts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["render", "navigation/drive-sparse-v2", "--paths", "--protocol", "smoke-v1", "--out", str(tmp_path)]
    assert main([*words, "--threads", "1"]) == 0
    (path,) = tmp_path.glob("*-random.png")
    with Image.open(path) as picture:
        assert picture.width > 1.5 * picture.height
    drawn = [line.split(":")[0].strip() for line in capsys.readouterr().out.splitlines()[-2:]]
    assert drawn == ["adaptation at shot 0", "evaluation at shot 1"]


def test_what_an_agent_does_wrong_on_the_way_is_told(tmp_path: Path) -> None:
    plan = Plan.of(Cell(protocol="smoke-v1", suite="navigation/drive-sparse-v1", agent="random", seed=0))
    task = plan.resolved.tasks("test")[0].index

    def lost(observations: np.ndarray, episode: int, step: int) -> np.ndarray:
        raise RuntimeError("lost the way")

    for show, name in ((plot_paths, "paths.png"), (film_trial, "film.gif")):
        told: list[str] = []
        agent = ScriptedAgent(lost)
        show(agent, plan, tmp_path / name, split="test", task=task, steps=0, num_threads=1, tell=told.append)
        assert [error.splitlines()[-1] for error in told] == ["RuntimeError: lost the way"]
