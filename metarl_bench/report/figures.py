"""Figures of one leaderboard table, in the width of a paper's column, as PNG and PDF.

Drawn on ``Figure`` objects of their own: nothing here touches pyplot's global state, and equal input gives equal bytes.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from metarl_bench.errors import ConfigError
from metarl_bench.leaderboard import find_suite
from metarl_bench.report.escaping import shorten
from metarl_bench.report.sheets import format_steps
from metarl_bench.scores import ROW_KEY
from metarl_bench.statistics import iqm
from metarl_bench.storage import write_atomically

COLUMN_WIDTH = 3.4  # inches
# Okabe and Ito's colours, which people with any colour vision tell apart, without the yellow that paper swallows.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
LINES = ("-", "--", "-.", ":")  # changes when the colours begin again
STYLE: dict[Any, Any] = {
    "font.size": 8,
    "axes.labelsize": 8,
    "axes.titlesize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.5,
    "axes.axisbelow": True,
    "lines.linewidth": 1.2,
    "lines.markersize": 3.5,
    "legend.frameon": False,
    "text.parse_math": False,  # names are text: a "$" in one of them is no formula
    "pdf.fonttype": 42,  # fonts that publishers accept
}
Row = dict[str, Any]


def adaptation_curve(table: pd.DataFrame) -> Figure:
    """Returns the score after each number of adaptation episodes, above the score of those episodes themselves.

    Bars are 95 % intervals over seeds; a row without bars has too few seeds for one.

    Args:
        table: One digest's rows, as ``split_tables`` returns them.
    """
    rows = _rows(table)
    with mpl.rc_context(STYLE):
        figure, axes = _figure(rows, num_panels=2)
        for place, row in enumerate(rows):
            for axis, name, start in ((axes[0], "shots", 0), (axes[1], "online", 1)):
                values = row[name]
                # Beside each other, so that intervals of agents that score the same stay readable.
                shift = 0.04 * (place - (len(rows) - 1) / 2)
                episodes = np.arange(start, start + len(values)) + shift
                axis.errorbar(episodes, values, yerr=_error_bars(row, name), capsize=2, **_look(place))
        axes[0].set_xlabel("adaptation episodes before evaluation")
        axes[0].set_ylabel(f"evaluation {_measure(rows[0])}")
        axes[1].set_xlabel("adaptation episode")
        axes[1].set_ylabel(f"adaptation {_measure(rows[0])}")
        for axis in axes:
            axis.xaxis.set_major_locator(MaxNLocator(integer=True))
            axis.set_xlim(-0.3, max(len(row["online"]) for row in rows) + 0.3)
        _add_references(axes[0], rows[0])
    return figure


def sample_efficiency_curve(table: pd.DataFrame) -> Figure:
    """Returns the score against training steps: single seeds thin, the interquartile mean over them thick.

    Args:
        table: One digest's rows, as ``split_tables`` returns them.
    """
    rows = _rows(table)
    with mpl.rc_context(STYLE):
        figure, (axis,) = _figure(rows, num_panels=1)
        for place, row in enumerate(rows):
            look = _look(place)
            for seed in row["curve_by_seed"] if len(row["seeds"]) > 1 else ():
                axis.plot(row["curve_steps"], seed, color=look["color"], linewidth=0.5, alpha=0.5)
            axis.plot(row["curve_steps"], row["curve"], **look)
        axis.set_xscale("log")
        axis.xaxis.set_major_formatter(FuncFormatter(lambda steps, _: format_steps(steps)))
        axis.set_xlabel("environment steps of meta-training (log scale)")
        axis.set_ylabel(_measure(rows[0]))
        _add_references(axis, rows[0])
    return figure


def within_trial_curve(table: pd.DataFrame, within_trial: pd.DataFrame) -> Figure:
    """Returns the reward against time since the trial began, not smoothed, with the borders of its episodes.

    Args:
        table: One digest's rows, as ``split_tables`` returns them.
        within_trial: As ``load_within_trial`` returns it.
    """
    rows = _rows(table)
    with mpl.rc_context(STYLE):
        figure, (axis,) = _figure(rows, num_panels=1)
        longest = 0
        for place, row in enumerate(rows):
            episodes = _rewards(row, within_trial)
            longest = max(longest, episodes.size)
            # One line an episode: the step from an episode's end to the next reset is no change of reward.
            for episode, rewards in enumerate(episodes):
                time = np.arange(1, len(rewards) + 1) + episode * len(rewards)
                axis.plot(time, rewards, **_look(place) | {"marker": "", "linewidth": 0.9})
        for border in range(rows[0]["horizon"], longest, rows[0]["horizon"]):
            axis.axvline(border + 0.5, color="#888888", linewidth=0.6, linestyle=(0, (4, 2)))
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axis.set_xlim(0, longest + 1)
        axis.set_xlabel("steps into the trial (dashed: new episode)")
        axis.set_ylabel("reward per step")
    return figure


def save_figure(figure: Figure, stem: Path) -> tuple[Path, Path]:
    """Writes a figure as ``<stem>.png`` and ``<stem>.pdf`` and returns the two paths.

    Raises:
        RecordError: If a file cannot be written.
    """
    # No date and no program version: the same results give the same files.
    plain: dict[str, dict[str, None]] = {
        "png": {"Software": None},
        "pdf": {"CreationDate": None, "Producer": None, "Creator": None},
    }
    paths = []
    for kind, metadata in plain.items():
        buffer = io.BytesIO()
        with mpl.rc_context(STYLE):
            figure.savefig(buffer, format=kind, dpi=300, metadata=metadata)
        paths.append(stem.with_name(f"{stem.name}.{kind}"))
        write_atomically(paths[-1], buffer.getvalue())
    return paths[0], paths[1]


def _rows(table: pd.DataFrame) -> list[Row]:
    digests = sorted(set(table["digest"]))
    if len(digests) > 1:
        raise ConfigError(
            f"A figure got results of {len(digests)} digests ({', '.join(digests)}); expected those of one, since "
            "others cannot be compared. Draw one figure for each frame of split_tables."
        )
    rows = [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]
    complete = [row for row in rows if row["seeds"]]
    if not complete:
        raise ConfigError(
            "There is nothing to draw: no agent has a complete meta-test here. Finish a run, or choose a checkpoint "
            "that the runs have passed."
        )
    return complete


def _figure(rows: Sequence[Row], *, num_panels: int) -> tuple[Figure, Sequence[Axes]]:
    """Returns an empty figure with its legend, and its panels from top to bottom."""
    columns = 2 if max(len(_label(row, rows)) for row in rows) < 28 else 1
    lines = -(-len(rows) // columns)
    figure = Figure(figsize=(COLUMN_WIDTH, 0.2 + 0.16 * lines + 1.9 * num_panels), layout="constrained")
    axes = [figure.add_subplot(num_panels, 1, panel + 1) for panel in range(num_panels)]
    figure.legend(
        [Line2D([], [], **_look(place)) for place in range(len(rows))],
        [_label(row, rows) for row in rows],
        loc="outside upper center",
        ncols=columns,
    )
    return figure, axes


def _label(row: Row, rows: Sequence[Row]) -> str:
    several = len({other["source"] for other in rows}) > 1
    source = f" in {shorten(row['source'])}" if several else ""
    # The blank keeps matplotlib from hiding a name that begins with an underscore.
    return f" {shorten(row['name'])}{source} (n = {len(row['seeds'])})"


def _look(place: int) -> dict[str, Any]:
    colour = place % len(COLOURS)
    return {
        "color": COLOURS[colour],
        "marker": MARKERS[colour],
        "linestyle": LINES[place // len(COLOURS) % len(LINES)],
    }


def _error_bars(row: Row, name: str) -> NDArray[np.float64]:
    """Returns the distances to the interval's ends, [2, values]; NaN, which is not drawn, where there is none."""
    values = np.array(row[name], dtype=np.float64)
    # A skewed interval can lie beside its IQM, and matplotlib refuses distances below zero.
    return np.maximum([values - row[f"{name}_low"], np.array(row[f"{name}_high"]) - values], 0.0)


def _rewards(row: Row, within_trial: pd.DataFrame) -> NDArray[np.float64]:
    """Returns the IQM over a row's seeds of the rewards, [episodes, horizon]."""
    chosen = np.ones(len(within_trial), dtype=np.bool_)
    for name in (*ROW_KEY, "checkpoint_steps"):
        chosen &= (within_trial[name] == row[name]).to_numpy()
    chosen &= (within_trial["split"] == row["primary_split"]).to_numpy()
    chosen &= within_trial["seed"].isin(row["seeds"]).to_numpy()
    by_time = within_trial[chosen].pivot(index="time", columns="seed", values="reward")
    # NaN where all worlds of a seed failed: a gap is drawn, never a mean over the other seeds. Records lack such times.
    times, seeds = range(len(row["online"]) * row["horizon"]), list(row["seeds"])
    rewards = by_time.reindex(index=times, columns=seeds).to_numpy(dtype=np.float64)
    means = [iqm(at_once) if np.isfinite(at_once).all() else np.nan for at_once in rewards]
    return np.array(means).reshape(-1, row["horizon"])


def _measure(row: Row) -> str:
    return "success rate" if row["measure"] == "success" else "return"


def _add_references(axis: Axes, row: Row) -> None:
    spec = find_suite(row["suite"])
    if spec is None or spec.references is None or not row["references"]:
        return
    for name, value in (("random", spec.references.random), ("expert", spec.references.expert)):
        axis.axhline(value, color="#666666", linewidth=0.8, linestyle=(0, (1, 1.5)), zorder=1)
        axis.annotate(
            name,
            (1.0, value),
            xycoords=("axes fraction", "data"),
            xytext=(-2, 1.5),
            textcoords="offset points",
            ha="right",
            va="bottom",
            fontsize=6,
            color="#666666",
        )
