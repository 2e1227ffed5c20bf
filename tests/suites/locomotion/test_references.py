"""The references of robots: those of the runs and the random play that they are said to come from."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

import metarl_bench as mb
from metarl_bench.registry import SUITES
from metarl_bench.testing import random_return
from metarl_suites.locomotion.balance import SUITE as SCRIPTED
from metarl_suites.locomotion.balance import measure

RESULTS = Path(__file__).parents[3] / "results"
REFERENCES = {spec.id: spec.references for spec in SUITES.all() if spec.family == "locomotion" and spec.references}
# Whose best seed the expert is, by suite: protocol and agent.
EXPERTS = {
    "locomotion/ant-cripple-v1": ("lite-v1", "oracle"),
    "locomotion/ant-direction-v1": ("lite-v1", "oracle"),
    "locomotion/ant-goal-v1": ("lite-v1", "oracle"),
    "locomotion/cheetah-body-v1": ("lite-v1", "oracle"),
    "locomotion/cheetah-body-v2": ("lite-v1", "oracle"),
    "locomotion/cheetah-direction-h100-v1": ("lite-v1", "oracle"),
    "locomotion/cheetah-direction-v1": ("lite-v1", "varibad"),
    "locomotion/cheetah-mass-v1": ("lite-v1", "oracle"),
    "locomotion/cheetah-mass-v2": ("lite-v1", "oracle"),
    "locomotion/cheetah-velocity-v1": ("lite-v1", "oracle"),
    "locomotion/cheetah-velocity-wide-obs20-v1": ("paper/roml-cheetah-velocity-30m-v1", "varibad"),
    "locomotion/cheetah-velocity-wide-v1": ("lite-v1", "oracle"),
    "locomotion/hopper-params-v1": ("lite-v1", "oracle"),
    "locomotion/terrain-ant-sighted-v1": ("lite-v1", "oracle"),
    "locomotion/terrain-ant-v1": ("lite-v1", "multitask-ppo"),
    "locomotion/terrain-cheetah-sighted-v1": ("lite-v1", "oracle"),
    "locomotion/terrain-cheetah-v1": ("lite-v1", "multitask-ppo"),
    "locomotion/terrain-walker-sighted-v1": ("lite-v1", "oracle"),
    "locomotion/terrain-walker-v1": ("lite-v1", "oracle"),
    "locomotion/walker-params-v1": ("lite-v1", "oracle"),
}
CARD = Path(str(files("metarl_suites.locomotion"))) / "README.md"


@pytest.mark.parametrize("suite", sorted(EXPERTS))
def test_the_expert_is_the_best_of_its_runs(suite: str) -> None:
    protocol, agent = EXPERTS[suite]
    rows = mb.load_results(RESULTS / protocol / suite / agent)
    rows = rows[(rows.split == "test") & (rows.checkpoint_steps == rows.checkpoint_steps.max())]
    if (rows.phase == "evaluation").any():
        rows = rows[(rows.phase == "evaluation") & (rows.shot == rows.shot.max())]
    best = rows.groupby("seed")["return"].mean().max()
    assert REFERENCES[suite].expert == pytest.approx(best, abs=0.06)


def test_one_expert_is_no_run_but_a_script() -> None:
    assert set(REFERENCES) - set(EXPERTS) == {SCRIPTED}
    scripted = REFERENCES[SCRIPTED].expert
    assert measure(episodes=1).mean() == pytest.approx(scripted, abs=0.5)
    # It is better than the run that is there.
    rows = mb.load_results(RESULTS / "lite-v1" / SCRIPTED / "oracle")
    assert rows[(rows.split == "test") & (rows.phase == "evaluation")]["return"].mean() < 0.7 * scripted


@pytest.mark.parametrize("suite", ["ant-direction-v1", "cheetah-mass-v1", "cheetah-mass-v2", "terrain-cheetah-v1"])
@pytest.mark.parametrize(("split", "ending"), [("test", ""), ("test_ood", ", out of distribution")])
def test_the_card_says_what_the_committed_runs_gained_by_knowing_the_task(suite: str, split: str, ending: str) -> None:
    table = CARD.read_text(encoding="utf-8").partition("## Does it pay to know the task?")[2].partition("\n## ")[0]
    told = [line for line in table.splitlines() if line.startswith(f"| {suite}{ending} |")]
    rows = mb.load_results(RESULTS / "lite-v1" / "locomotion" / suite)
    rows = rows[(rows.split == split) & (rows.phase == "evaluation") & (rows.checkpoint_steps == 4_000_000)]
    means = rows[rows.shot == 2].groupby("agent")["return"].mean()
    if means.empty:
        assert not told
    else:
        agents = ("random", "multitask-ppo", "rl2", "oracle")
        assert told[0].split("|")[2:6] == [f" {means[agent]:.0f} " for agent in agents]


@pytest.mark.parametrize("agent", ["random", "multitask-ppo", "rl2", "oracle"])
def test_the_card_of_terrains_tells_the_committed_runs_seed_by_seed(agent: str) -> None:
    card = Path(str(files("metarl_suites.terrain"))) / "README.md"
    lines = card.read_text(encoding="utf-8").partition("## Does it pay to adapt?")[2].splitlines()
    (told,) = [line for line in lines if line.startswith(f"| `{agent}`")]
    rows = mb.load_results(RESULTS / "lite-v1" / "locomotion" / "terrain-cheetah-v1" / agent)
    rows = rows[(rows.phase == "evaluation") & (rows.shot == 2) & (rows.checkpoint_steps == 4_000_000)]
    found = []
    for split in ("test", "test_ood"):
        means = rows[rows.split == split].groupby("seed")["return"].mean()
        found += [f"{means.mean():.0f}", " / ".join(f"{mean:.0f}" for mean in means)]
    assert [cell.strip() for cell in told.split("|")[2:6]] == found


@pytest.mark.learning  # because it takes minutes
@pytest.mark.parametrize("suite", sorted(REFERENCES))
def test_random_play_measured_again(suite: str) -> None:
    assert REFERENCES[suite].random == round(random_return(suite, episodes=20), 1)
