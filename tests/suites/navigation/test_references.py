"""The references of the drive suites: what is measured."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pandas as pd
import pytest

import metarl_bench as mb
from metarl_bench.registry import SUITES
from metarl_bench.testing import random_return
from metarl_suites.navigation.driver import measure
from tests.suites.navigation.library import IDS

RESULTS = Path(__file__).parents[3] / "results" / "lite-v1"
CARD = Path(str(files("metarl_suites.navigation"))) / "README.md"
SPLITS = ("test", "test_ood")


@pytest.mark.learning
@pytest.mark.parametrize("suite_id", IDS)
def test_references_are_what_is_measured(suite_id: str) -> None:
    frozen = SUITES.get(suite_id).references
    assert frozen is not None
    # Another processor may end a contact otherwise, and with it an episode.
    assert measure(suite_id).returns.mean() == pytest.approx(frozen.expert, rel=0.03)
    assert random_return(suite_id, episodes=10) == pytest.approx(frozen.random, rel=0.03, abs=0.05)


def evaluations(suite_id: str) -> pd.DataFrame:
    """Returns the committed episodes after the last step of training, evaluations alone."""
    rows = mb.load_results(RESULTS / suite_id)
    return rows[(rows["phase"] == "evaluation") & (rows["checkpoint_steps"] == rows["checkpoint_steps"].max())]


def told(begin: str, rows: str) -> list[list[str]]:
    """Returns the cells, but the first, of rows that begin so, in the table of the card that begins so."""
    _, found, rest = CARD.read_text(encoding="utf-8").partition(f"\n{begin}")
    assert found
    lines = [line for line in rest.partition("\n\n")[0].splitlines() if line.startswith(rows)]
    return [[cell.strip() for cell in line.split("|")[2:-1]] for line in lines]


def test_the_card_says_what_agents_earn_in_drive_vehicle() -> None:
    expected = []
    for version in ("v3", "v1"):
        suite_id = f"navigation/drive-vehicle-{version}"
        rows, frozen = evaluations(suite_id), SUITES.get(suite_id).references
        assert frozen is not None
        means = rows[rows["shot"] == 2].groupby(["agent", "split"])[["return", "success"]].mean()
        for agent in ("oracle", "rl2", "multitask-ppo"):
            known, held_out = (means.loc[agent, split] for split in SPLITS)
            normalised = (known["return"] - frozen.random) / (frozen.expert - frozen.random)
            numbers = [f"{known['return']:.1f}", f"{normalised:.2f}", f"{known['success']:.2f}"]
            expected.append([*numbers, f"{held_out['return']:.1f}", f"{held_out['success']:.2f}"])
    assert [cells[1:] for cells in told("| version | agent | return |", "| ")] == expected


@pytest.mark.parametrize("version", ["v1", "v3"])
def test_the_card_says_what_rl2_closes_of_the_gap_between_those_who_know_the_car_and_those_who_cannot_adapt(
    version: str,
) -> None:
    suite_id = f"navigation/drive-vehicle-{version}"
    rows, frozen = evaluations(suite_id), SUITES.get(suite_id).references
    assert frozen is not None
    shares = []
    for split in SPLITS:
        last = rows[(rows["split"] == split) & (rows["shot"] == 2)]
        means = last.groupby("agent")["return"].mean()
        gap = means["oracle"] - means["multitask-ppo"]
        shares += [gap / (frozen.expert - frozen.random), (means["rl2"] - means["multitask-ppo"]) / gap]
    assert told("| version | of the way", f"| {version} |") == [[f"{100 * share:.0f} %" for share in shares]]


@pytest.mark.parametrize("version", ["v1", "v3"])
@pytest.mark.parametrize(("split", "ending"), [("test", ""), ("test_ood", " out of distribution")])
def test_the_card_says_what_rl2_earns_in_each_attempt(version: str, split: str, ending: str) -> None:
    rows = evaluations(f"navigation/drive-vehicle-{version}")
    means = rows[(rows["split"] == split) & (rows["agent"] == "rl2")].groupby("shot")["return"].mean()
    expected = [f"{mean:.1f}" for mean in means]
    assert told("| `rl2`, adaptation episodes before", f"| {version}: return{ending} |") == [expected]
