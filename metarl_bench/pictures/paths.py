"""Driven paths over a map, one picture of each attempt of a trial: what adaptation looks like from above."""

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

INCHES = 4.4  # of one map
MOST_BOX = 40.0  # m; larger boxes are ground, not walls

# What was played, where the robot was, m, and the return.
Drive = tuple[Play, list[NDArray[np.float64]], float]


class Tracer:
    """Watches one world of a meta-test and keeps where its robot goes: the body that carries the camera ``track``.

    Attributes:
        episodes: All that was played.
        walls: Corners of the standing boxes [walls, 4, 2], m.
        destination: Middle (x, y) and radius of the site ``destination``, m; None where the model has none.
    """

    def __init__(self, world: int) -> None:
        self.episodes: list[Drive] = []
        self.walls = np.zeros((0, 4, 2))
        self.destination: tuple[float, float, float] | None = None
        self._world = world

    def begin(self, play: Play, worlds: Worlds) -> None:
        """Takes in the first moment of an episode."""
        model, data = worlds.scene(self._world)
        if not self.episodes:
            self.walls = _walls(model, data)
            self.destination = _destination(model, data)
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
    """Plays the meta-test of a split and draws the attempts of the first trial of one task.

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
        The episodes that are drawn, with their returns; see ``attempts``.

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
    drawn = attempts(tracer.episodes)
    title = f"{plan.cell.agent}{trained}; {split} {task}: {describe(places[world][0], plan.suite.spec)}"
    _draw(drawn, tracer, path, title)
    return [(play, total) for drives in drawn for play, _, total in drives]


def attempts(episodes: list[Drive]) -> list[list[Drive]]:
    """Returns a trial in the order in which its agent learns from it.

    Evaluations before the last adaptation episode are left out: forks of the agent play them and are thrown away, so
    that nothing is learned from them.

    Args:
        episodes: All of the trial.

    Returns:
        The adaptation episodes, each alone, and then all evaluations after the last of them, which the score counts.
    """
    found = [[drive] for drive in episodes if drive[0].phase == "adaptation"]
    shots = len(found)
    counted = [drive for drive in episodes if drive[0].phase == "evaluation" and drive[0].shot == shots]
    return [*found, counted] if counted else found


def _draw(drawn: list[list[Drive]], tracer: Tracer, path: Path, title: str) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.collections import PolyCollection
    from matplotlib.figure import Figure
    from matplotlib.patches import Circle

    count = len(drawn)
    figure = Figure(figsize=(INCHES * count, INCHES + 0.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, count, sharex=True, sharey=True, squeeze=False)[0]
    for number, (axis, drives) in enumerate(zip(axes, drawn, strict=True), 1):
        axis.add_collection(PolyCollection(list(tracer.walls), facecolor="0.75", edgecolor="0.6", linewidth=0.5))
        if tracer.destination is not None:
            axis.add_patch(Circle(tracer.destination[:2], tracer.destination[2], color="tab:green", alpha=0.4))
        phase = drives[0][0].phase
        for _, places, _ in drives:
            x, y = np.array(places).T
            axis.plot(x, y, color="tab:red" if phase == "adaptation" else "tab:blue", linewidth=1.5)
            axis.plot(x[0], y[0], "o", color="black", markersize=4)
            axis.plot(x[-1], y[-1], "s", color="black", markersize=4)
        what = "adaptation" if phase == "adaptation" else "evaluation, the score"
        mean = float(np.mean([total for *_, total in drives]))
        axis.set_title(f"attempt {number}: {what}\n{'mean ' * (len(drives) > 1)}return {mean:.1f}", fontsize=9)
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


def _destination(model: mujoco.MjModel, data: mujoco.MjData) -> tuple[float, float, float] | None:
    site = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_SITE, "destination")
    if site < 0:
        return None
    x, y = data.site_xpos[site, :2]
    return float(x), float(y), float(model.site_size[site, 0])


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
