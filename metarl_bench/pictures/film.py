"""A film of one trial, taken while the harness plays its own meta-test: what is seen is what is scored."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from metarl_bench.agents import MetaAgent
from metarl_bench.cells import Plan
from metarl_bench.checkpoints import test_split
from metarl_bench.episodes import Play, trial_places
from metarl_bench.errors import ConfigError
from metarl_bench.pictures.captions import describe, with_caption
from metarl_bench.pictures.files import open_film
from metarl_bench.pictures.opengl import ABOVE, Painter
from metarl_bench.simulator_log import simulator_warnings
from metarl_bench.tasks import Split
from metarl_bench.worlds import Bools, Worlds

SIZE = (400, 225)  # pixels, without the caption
FRAME_S = 0.1  # seconds from frame to frame, as in the simulator
LETTERS = 62  # of a line of the caption


class Camera:
    """Watches one world of a meta-test and films all its episodes.

    Attributes:
        episodes: What was filmed, with its return, in the order of ``episodes.schedule``.
    """

    def __init__(self, path: Path, world: int, title: str, adaptation_episodes: int, *, above: bool) -> None:
        self.episodes: list[tuple[Play, float]] = []
        self._film = open_film(path, frame_s=FRAME_S)
        self._world = world
        self._cameras = (ABOVE,) if above else ("track",)
        self._title = textwrap.wrap(title, LETTERS)
        self._adaptation_episodes = adaptation_episodes
        self._painter: Painter | None = None
        self._last_s = 0.0

    def begin(self, play: Play, worlds: Worlds) -> None:
        """Films the first moment of an episode."""
        self.episodes.append((play, 0.0))
        self._shoot(worlds)

    def after_step(self, worlds: Worlds, rewards: NDArray[np.float64], active: Bools) -> None:
        """Counts what the step paid, and films it if it is time for a frame."""
        if not active[self._world]:
            return
        play, total = self.episodes[-1]
        self.episodes[-1] = (play, total + float(rewards[self._world]))
        _, data = worlds.scene(self._world)
        # Worlds whose clock stands still have a frame a step.
        if not 0.0 < data.time - self._last_s < 0.99 * FRAME_S:
            self._shoot(worlds)

    def close(self) -> None:
        """Writes the film."""
        if self._painter is not None:
            self._painter.close()
        self._film.close()

    def _shoot(self, worlds: Worlds) -> None:
        model, data = worlds.scene(self._world)
        if self._painter is None:
            self._painter = Painter(model, width=SIZE[0], height=SIZE[1])
        self._last_s = data.time
        picture = self._painter.paint(data, cameras=self._cameras)
        self._film.add(with_caption(picture, [*self._title, self._subtitle()]))

    def _subtitle(self) -> str:
        play, total = self.episodes[-1]
        if play.phase == "adaptation":
            what = f"adaptation episode {play.shot + 1} of {self._adaptation_episodes}"
        else:
            what = f"evaluation episode {play.episode + 1} at shot {play.shot}"
        return f"{what}, return {total:.1f}"


def film_trial(
    agent: MetaAgent,
    plan: Plan,
    path: Path,
    *,
    split: Split,
    task: int,
    steps: int,
    above: bool = False,
    num_threads: int = 0,
    tell: Callable[[str], object] = lambda error: None,
) -> list[tuple[Play, float]]:
    """Plays the meta-test of a split and films the first trial of one task.

    Args:
        agent: Frozen.
        plan: Its cell.
        path: Ends in .gif or .mp4.
        split: Whose tasks are played.
        task: Index of the task in its split.
        steps: Training steps of the agent.
        above: Whether the camera looks straight down on the robot.
        num_threads: Physics threads; 0 takes one per core.
        tell: Is called with what the agent did wrong; see ``MetaTest.errors``.

    Returns:
        The episodes with the returns that the film shows.

    Raises:
        ConfigError: If the meta-test does not have the task.
        BenchError: If the suite cannot be drawn, or nothing draws here.
    """
    places = trial_places(plan.resolved, split)
    known = [place.index for place, _ in places]
    if task not in known:
        raise ConfigError(
            f"--task got {task}; expected one of the {split} tasks that {plan.cell.protocol} plays: "
            f"{', '.join(map(str, sorted(set(known))))}."
        )
    world = known.index(task)
    trained = f" after {steps:,} training steps" if steps else ""
    title = f"{plan.cell.agent}{trained}; {split} {task}: {describe(places[world][0], plan.suite.spec)}"
    camera = Camera(path, world, title, plan.resolved.adaptation_episodes, above=above)
    with simulator_warnings(None):
        found = test_split(agent, plan, split, steps=steps, num_threads=num_threads, watcher=camera)
    camera.close()
    for error in found.errors:
        tell(error)
    return camera.episodes
