"""Driven paths over a map, one picture of each episode of a trial: what adaptation looks like from above."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import mujoco
import numpy as np
from numpy.typing import NDArray

from metarl_bench.agents import MetaAgent
from metarl_bench.cells import Plan
from metarl_bench.checkpoints import test_split
from metarl_bench.episodes import Play, trial_places
from metarl_bench.errors import ConfigError
from metarl_bench.pictures.captions import describe
from metarl_bench.simulator_log import simulator_warnings
from metarl_bench.tasks import Split
from metarl_bench.worlds import Bools, Worlds

INCHES = 3.2  # of one map
MOST_BOX = 40.0  # m; larger boxes are ground, not walls


class Tracer:
    """Watches one world of a meta-test and keeps where its robot goes: the body that carries the camera ``track``.

    Attributes:
        episodes: What was played, where the robot was [steps, 2] in m, and the return.
        walls: Corners of the standing boxes [walls, 4, 2], m.
    """

    def __init__(self, world: int) -> None:
        self.episodes: list[tuple[Play, list[NDArray[np.float64]], float]] = []
        self.walls = np.zeros((0, 4, 2))
        self._world = world

    def begin(self, play: Play, worlds: Worlds) -> None:
        """Takes in the first moment of an episode."""
        model, data = worlds.scene(self._world)
        if not self.episodes:
            self.walls = _walls(model, data)
        self.episodes.append((play, [_place(model, data)], 0.0))

    def after_step(self, worlds: Worlds, rewards: NDArray[np.float64], active: Bools) -> None:
        """Takes in a step."""
        if active[self._world]:
            play, path, total = self.episodes[-1]
            path.append(_place(*worlds.scene(self._world)))
            self.episodes[-1] = (play, path, total + float(rewards[self._world]))


def plot_paths(
    agent: MetaAgent,
    plan: Plan,
    path: Path,
    *,
    split: Split,
    task: int,
    steps: int,
    num_threads: int = 0,
    tell: Callable[[str], object] = lambda error: None,
) -> list[tuple[Play, float]]:
    """Plays the meta-test of a split and draws the paths of the first trial of one task.

    Args:
        agent: Frozen.
        plan: Its cell.
        path: Ends in .png, .pdf or .svg.
        split: Whose tasks are played.
        task: Index of the task in its split.
        steps: Training steps of the agent.
        num_threads: Physics threads; 0 takes one per core.
        tell: Is called with what the agent did wrong; see ``MetaTest.errors``.

    Returns:
        The episodes with their returns.

    Raises:
        ConfigError: If the meta-test does not have the task.
        BenchError: If the suite cannot be drawn.
    """
    places = trial_places(plan.resolved, split)
    known = [place.index for place, _ in places]
    if task not in known:
        raise ConfigError(f"--task got {task}; expected one of {', '.join(map(str, sorted(set(known))))}.")
    world = known.index(task)
    tracer = Tracer(world)
    with simulator_warnings(None):
        found = test_split(agent, plan, split, steps=steps, num_threads=num_threads, watcher=tracer)
    for error in found.errors:
        tell(error)
    trained = f" after {steps:,} training steps" if steps else ""
    _draw(tracer, path, f"{plan.cell.agent}{trained}; {split} {task}: {describe(places[world][0], plan.suite.spec)}")
    return [(play, total) for play, _, total in tracer.episodes]


def _draw(tracer: Tracer, path: Path, title: str) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.collections import PolyCollection
    from matplotlib.figure import Figure

    count = len(tracer.episodes)
    figure = Figure(figsize=(INCHES * count, INCHES + 0.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, count, sharex=True, sharey=True, squeeze=False)[0]
    for axis, (play, places, total) in zip(axes, tracer.episodes, strict=True):
        axis.add_collection(PolyCollection(list(tracer.walls), facecolor="0.75", edgecolor="0.6", linewidth=0.5))
        x, y = np.array(places).T
        axis.plot(x, y, color="tab:red" if play.phase == "adaptation" else "tab:blue", linewidth=1.5)
        axis.plot(x[0], y[0], "o", color="black", markersize=4)
        axis.plot(x[-1], y[-1], "s", color="black", markersize=4)
        axis.set_title(f"{play.phase}, shot {play.shot}\nreturn {total:.1f}", fontsize=9)
        axis.set_aspect("equal")
        axis.tick_params(labelsize=7)
    axes[0].autoscale_view()
    (left, right), (bottom, top) = axes[0].get_xlim(), axes[0].get_ylim()
    figure.set_figheight(INCHES * min((top - bottom) / (right - left), 1.5) + 1.0)  # a road needs less than a city
    axes[0].set_xlabel("x, m", fontsize=8)
    axes[0].set_ylabel("y, m", fontsize=8)
    figure.suptitle(title, fontsize=9, wrap=True)
    # No date, so that equal runs give equal files.
    figure.savefig(path, dpi=110, metadata={"Software": None} if path.suffix == ".png" else None)


def _place(model: mujoco.MjModel, data: mujoco.MjData) -> NDArray[np.float64]:
    camera = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_CAMERA, "track")
    if camera < 0:
        raise ConfigError("The model has no camera called track, so that nothing says which body is the robot.")
    place: NDArray[np.float64] = data.xpos[model.cam_bodyid[camera], :2].copy()
    return place


def _walls(model: mujoco.MjModel, data: mujoco.MjData) -> NDArray[np.float64]:
    """Returns the corners of the boxes of the world that stand on the ground."""
    boxes = (model.geom_type == mujoco.mjtGeom.mjGEOM_BOX) & (model.geom_bodyid == 0)
    boxes &= (data.geom_xpos[:, 2] > 0.0) & (model.geom_size[:, :2].max(axis=1) < MOST_BOX)
    signs = np.array([(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)])
    corners = []
    for geom in np.flatnonzero(boxes):
        turn = data.geom_xmat[geom].reshape(3, 3)[:2, :2]
        corners.append(data.geom_xpos[geom, :2] + (signs * model.geom_size[geom, :2]) @ turn.T)
    return np.array(corners).reshape(-1, 4, 2)
