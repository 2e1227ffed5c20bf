"""Measures several things side by side: in turn, in alternating order, so that a drifting machine hits all of them."""

from __future__ import annotations

import datetime
import json
import operator
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

# A contender runs once and returns how many units of work it did.
Contender = Callable[[], float]
RESULTS = Path(__file__).parents[2] / "results" / "speed"
NO_AIM = {"aim": "-", "met": "-"}
_MEETS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


class Rounds:
    """Units of work per wall second of each contender, over some rounds."""

    def __init__(self, contenders: Mapping[str, Contender]) -> None:
        self._contenders = dict(contenders)
        self.rates: dict[str, list[float]] = {name: [] for name in contenders}
        for contender in self._contenders.values():
            contender()  # warm-up, not counted

    def run(self) -> None:
        """Measures every contender once; the order is turned round each time."""
        turn = len(next(iter(self.rates.values()))) % 2
        names = list(self._contenders)
        for name in reversed(names) if turn else names:
            begin = time.perf_counter()
            units = self._contenders[name]()
            self.rates[name].append(units / (time.perf_counter() - begin))

    def median(self, name: str) -> float:
        """Returns the median rate of a contender."""
        return statistics.median(self.rates[name])

    def ratio(self, name: str, other: str) -> float:
        """Returns the median over the rounds of one rate divided by another of the same round."""
        pairs = zip(self.rates[name], self.rates[other], strict=True)
        return statistics.median(rate / base for rate, base in pairs)


def stepping(envs: Any, actions: NDArray[Any], *, resets: bool) -> Contender:
    """Steps a vector environment.

    Args:
        envs: Ours, or Gymnasium's.
        actions: [steps, worlds, action].
        resets: Whether it leaves to the caller to reset worlds whose episode has ended.
    """
    envs.reset(seed=0)

    def run() -> float:
        for action in actions:
            _, _, terminated, truncated, _ = envs.step(action)
            ended = terminated | truncated
            if resets and ended.any():
                envs.reset(options={"reset_mask": ended})
        return actions.shape[0] * actions.shape[1]

    return run


def judged(value: float, sign: str, aim: float, *, unit: str = "", of: str = "") -> dict[str, Any]:
    """Returns the columns of a row that say what a number should be, and whether it is.

    Args:
        value: As the row shows it.
        sign: ``<``, ``<=``, ``>`` or ``>=``.
        aim: What stands behind the sign.
        unit: Of the aim.
        of: Ends the columns' names, for rows with several aims.
    """
    return {f"aim{of}": f"{sign} {aim:g}{unit}", f"met{of}": _MEETS[sign](value, aim)}


def compared(rounds: Rounds, name: str, other: str, least: float | None = None) -> dict[str, Any]:
    """Returns the columns of a row that hold one contender against another.

    Args:
        rounds: What was measured.
        name: The contender.
        other: What it is held against.
        least: Of the ratio of their rates; None where nothing is aimed at.
    """
    ratio = round(rounds.ratio(name, other), 2)
    return {
        "against": other,
        "ratio": ratio,
        **(NO_AIM if least is None else judged(ratio, ">=", least)),
        "steps/s": round(rounds.median(name)),
        "steps/s of the other": round(rounds.median(other)),
    }


def write(name: str, title: str, rows: list[dict[str, Any]], *, rounds: int) -> None:
    """Writes a table as JSON and Markdown, in place of what this kind of machine had; those of other kinds stay."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / f"{name}.json"
    machine = {"cpu": _cpu(), "cores": os.cpu_count(), "python": platform.python_version()}
    kept = json.loads(path.read_text(encoding="utf-8"))["tables"] if path.exists() else []
    kept = [table for table in kept if table["machine"]["cpu"] != machine["cpu"]]
    measured = {"date": datetime.datetime.now(tz=datetime.UTC).date().isoformat(), "rounds": rounds, "machine": machine}
    tables = [{**measured, "rows": rows}, *kept]
    path.write_text(json.dumps({"title": title, "tables": tables}, indent=2) + "\n", encoding="utf-8")
    lines = [f"# {title}", "", "`make bench` writes this file: a table for each kind of machine, the latest first."]
    lines += ["Ratios are of rates measured in the same round of one run.", ""]
    lines += [line for table in tables for line in _table(**table)]
    path.with_suffix(".md").write_text("\n".join(lines), encoding="utf-8")


def _table(date: str, rounds: int, machine: dict[str, Any], rows: list[dict[str, Any]]) -> list[str]:
    header = list(rows[0])
    lines = [f"{machine['cpu']}, {machine['cores']} cores, {date}; medians of {rounds} alternating rounds:", ""]
    lines += ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return [*lines, *("| " + " | ".join(_cell(row[column]) for column in header) + " |" for row in rows), ""]


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), "unknown")
