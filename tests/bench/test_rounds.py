"""What the benchmarks share: rounds that alternate, and tables that say which aims are met."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.benchmarks import rounds
from tests.benchmarks.rounds import NO_AIM, Rounds, judged, write


def test_contenders_take_turns_in_alternating_order() -> None:
    order: list[str] = []

    def contender(name: str) -> rounds.Contender:
        def run() -> float:
            order.append(name)
            return 1.0

        return run

    measured = Rounds({name: contender(name) for name in ("a", "b")})
    for _ in range(3):
        measured.run()
    assert order == ["a", "b", *"ab", *"ba", *"ab"]
    assert [len(rates) for rates in measured.rates.values()] == [3, 3]


@pytest.mark.parametrize(
    ("value", "sign", "aim", "met"),
    [
        (2.0, "<=", 2, True),
        (2.0, "<", 2, False),
        (0.79, ">=", 0.8, False),
        (0.81, ">", 0.8, True),
        (-1.0, "<", 3, True),
    ],
)
def test_an_aim_is_met_or_not(value: float, sign: str, aim: float, met: bool) -> None:
    assert judged(value, sign, aim, unit=" %", of=" of it") == {"aim of it": f"{sign} {aim} %", "met of it": met}


def test_tables_say_which_aims_are_met(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "RESULTS", tmp_path)
    rows = [{"ratio": 1, **judged(1, ">=", 0.5)}, {"ratio": 0, **judged(0, ">=", 0.5)}, {"ratio": 2, **NO_AIM}]
    write("speed", "Speed", rows, rounds=1)
    table = [line for line in (tmp_path / "speed.md").read_text().splitlines() if line.startswith("| ")]
    assert table == ["| ratio | aim | met |", "| 1 | >= 0.5 | yes |", "| 0 | >= 0.5 | no |", "| 2 | - | - |"]
    assert [row["met"] for row in json.loads((tmp_path / "speed.json").read_text())["tables"][0]["rows"]] == [
        True,
        False,
        "-",
    ]


def test_tables_of_other_machines_stay_and_that_of_the_same_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds, "RESULTS", tmp_path)
    for cpu, ratio in (("one", 1), ("other", 2), ("one", 3)):
        monkeypatch.setattr(rounds, "_cpu", lambda cpu=cpu: cpu)
        write("speed", "Speed", [{"ratio": ratio}], rounds=1)
    tables = json.loads((tmp_path / "speed.json").read_text())["tables"]
    assert [(table["machine"]["cpu"], table["rows"][0]["ratio"]) for table in tables] == [("one", 3), ("other", 2)]
    shown = (tmp_path / "speed.md").read_text()
    assert shown.index("| 3 |") < shown.index("| 2 |")
    assert "| 1 |" not in shown
