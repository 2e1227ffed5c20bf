"""What the repository claims about its baselines, recomputed from the committed records."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import metarl_bench as mb
from metarl_bench.checkpoints import read_plan
from metarl_bench.cli import boards
from metarl_bench.cli.text import fill_marked
from metarl_bench.protocols import find_published, get_protocol
from metarl_bench.records import Damaged, load_cells
from metarl_bench.registry import make_suite
from metarl_bench.seeding import world_seed
from metarl_bench.submissions.add import CARDS
from metarl_bench.submissions.card import SubmissionCard
from metarl_bench.submissions.run_checks import check_run
from metarl_bench.testing import play_trials
from metarl_suites.toy.optimum import optimal_return
from tests.agents.sweep import Sweep

REPOSITORY = Path(__file__).parents[2]
RESULTS = REPOSITORY / "results"
CHEETAH = "locomotion/cheetah-velocity-v1"
DIRECTION = "locomotion/cheetah-direction-v1"
H100 = "locomotion/cheetah-direction-h100-v1"
VEHICLE, NEW_VEHICLE = "navigation/drive-vehicle-v1", "navigation/drive-vehicle-v3"
REACH, PUSH, ML10 = "manipulation/ml1-reach-v1", "manipulation/ml1-push-v1", "manipulation/ml10-v1"
DENSE, SPARSE = "toy/point-robot-v1", "toy/sparse-point-robot-v1"
LITE, K20, SCRATCH, LEARN2LEARN = "lite-v1", "lite-k20-v1", "scratch-v1", "paper/learn2learn-cheetah-direction-v1"
METAWORLD = "paper/metaworld-ml10-v1"
ROML, ROML_30M = "paper/roml-cheetah-velocity-v1", "paper/roml-cheetah-velocity-30m-v1"
GRADIENT = ("maml", "fo-maml", "e-maml", "meta-sgd", "promp", "reptile")
# Suites whose gap between the memoryless policy and the oracle is measured.
ADAPTING = (
    "locomotion/ant-direction-v1",
    "locomotion/cheetah-mass-v1",
    "locomotion/cheetah-mass-v2",
    "locomotion/terrain-cheetah-v1",
    VEHICLE,
    NEW_VEHICLE,
    "navigation/drive-weather-v1",
    "navigation/drive-weather-v2",
)
# Seeds that are committed so far, by protocol, suite and agent.
SEEDS = {
    (LITE, CHEETAH, "random"): {0, 1, 2},
    (LITE, CHEETAH, "rl2"): {0, 1, 2},
    (LITE, CHEETAH, "rl2-transformer"): {0, 1, 2},
    (LITE, CHEETAH, "pearl"): {0, 1, 2},
    (LITE, CHEETAH, "metric"): {0, 1, 2},
    (LITE, CHEETAH, "varibad"): {0, 1, 2},
    (LITE, CHEETAH, "multitask-ppo"): {0, 1, 2},
    (LITE, CHEETAH, "oracle"): {0, 1, 2},
    (LITE, DIRECTION, "random"): {0, 1, 2},
    (LITE, DIRECTION, "rl2"): {0, 1, 2},
    (LITE, DIRECTION, "rl2-transformer"): {0, 1, 2},
    (LITE, DIRECTION, "pearl"): {0, 1, 2},
    (LITE, DIRECTION, "metric"): {0, 1, 2},
    (LITE, DIRECTION, "varibad"): {0, 1, 2},
    (LITE, DENSE, "rl2"): {0, 1, 2},
    (LITE, SPARSE, "rl2"): {0, 1, 2},
    (LITE, SPARSE, "varibad"): {0, 1, 2},
    (LITE, SPARSE, "pearl"): {0, 1, 2},
    (LITE, DIRECTION, "multitask-ppo"): {0, 1, 2},
    **{(K20, DIRECTION, agent): {0, 1, 2} for agent in ("random", "rl2", "multitask-ppo", "finetune-ppo", *GRADIENT)},
    **{(LITE, suite, agent): {0, 1, 2} for suite in (CHEETAH, DIRECTION) for agent in ("finetune-ppo", *GRADIENT)},
    **{(LITE, suite, agent): {0, 1, 2} for suite in ADAPTING for agent in ("random", "rl2", "multitask-ppo", "oracle")},
    **{(LITE, suite, agent): {0, 1, 2} for suite in (REACH, PUSH) for agent in ("random", "rl2", "multitask-ppo")},
    (METAWORLD, ML10, "rl2"): {0},
    **{(SCRATCH, DIRECTION, agent): {0, 1, 2} for agent in ("sb3-ppo", "sb3-sac")},
    (LEARN2LEARN, H100, "maml"): {0, 1, 2},
}
# Least mean return on cheetah-velocity, by agent and environment steps of training.
LEAST = [
    ("rl2", 2_000_000, -90.0),
    ("rl2", 4_000_000, -65.0),
    ("rl2-transformer", 4_000_000, -80.0),
    ("varibad", 4_000_000, -80.0),
    ("pearl", 1_000_000, -55.0),
    ("metric", 2_000_000, -75.0),
]


@pytest.fixture(scope="module")
def episodes() -> pd.DataFrame:
    return mb.load_results(RESULTS)


def per_seed(
    episodes: pd.DataFrame,
    suite: str,
    agent: str,
    *,
    protocol: str = LITE,
    steps: int | None = None,
    shot: int | None = None,
) -> pd.Series:
    """Returns the mean evaluation return on the test tasks by seed; of the last checkpoint and shot unless told."""
    rows = episodes[(episodes.suite == suite) & (episodes.agent == agent) & (episodes.protocol == protocol)]
    rows = rows[(rows.split == "test") & (rows.phase == "evaluation")]
    rows = rows[rows.shot == (rows.shot.max() if shot is None else shot)]
    at = rows.checkpoint_steps.max() if steps is None else steps
    means = rows[rows.checkpoint_steps == at].groupby("seed")["return"].mean()
    assert set(means.index) == SEEDS[protocol, suite, agent]
    return means


@pytest.fixture(scope="module")
def records() -> boards.Records:
    damaged: Damaged = {}
    found = boards.read([RESULTS], damaged)
    assert not damaged
    return found


def pages() -> list[tuple[Path, dict[str, str]]]:
    """Returns the pages that `make results` fills in, and what it asks the leaderboard for."""
    agents = REPOSITORY / "agents" / "metarl_agents"
    return [
        (RESULTS / "README.md", {}),
        (REPOSITORY / "README.md", {"suite": CHEETAH}),
        *(
            (page, {"agent": page.parent.name.removesuffix("_policy").replace("_", "-")})
            for page in sorted(agents.glob("*/README.md"))
            if "leaderboard:begin" in page.read_text()
        ),
    ]


@pytest.mark.parametrize(("page", "wanted"), [pytest.param(*page, id=page[0].parent.name) for page in pages()])
def test_committed_tables_are_those_of_the_committed_records(
    records: boards.Records, page: Path, wanted: dict[str, str]
) -> None:
    table = boards.tables(boards.choose(records, wanted), "markdown", by_seed="agent" in wanted)
    assert page.read_text() == fill_marked(page, "leaderboard", table)


def test_every_committed_cell_is_complete_and_without_failed_episodes() -> None:
    cells = load_cells(RESULTS)
    assert len(cells) > 0
    assert set(cells.status) == {"complete"}
    assert not cells.failed_episodes.any()
    assert cells.verified.all()


def test_digests_of_the_committed_cells_are_those_of_the_protocols() -> None:
    for cell in load_cells(RESULTS).itertuples():
        assert cell.digest == get_protocol(cell.protocol).resolve(make_suite(cell.suite)).digest()


def test_cards_claim_what_is_committed() -> None:
    cells = load_cells(RESULTS)
    found = {key: set(rows.seed) for key, rows in cells.groupby(["agent", "protocol", "suite", "config_digest"])}
    cards = [SubmissionCard.model_validate_json(path.read_text()) for path in (RESULTS / CARDS).glob("*.json")]
    claimed = [
        ((card.agent, claim.protocol, claim.suite, claim.config_digest), set(claim.seeds))
        for card in cards
        for claim in card.claims
    ]
    assert dict(claimed) == found
    assert len(claimed) == len(found)


def test_weights_keep_their_network_on_a_suite_whose_agents_have_another() -> None:
    weights = RESULTS / "lite-v1" / CHEETAH / "varibad" / "seed-0" / "checkpoints" / "4000000"
    plan, _ = read_plan(weights, suite="locomotion/cheetah-velocity-wide-v1", protocol="smoke-v1")
    assert plan.config.activation == "tanh"


def test_committed_evidence_replays(episodes: pd.DataFrame) -> None:
    found = check_run(RESULTS / "lite-v1" / CHEETAH / "rl2" / "seed-0")
    assert found.score == pytest.approx(per_seed(episodes, CHEETAH, "rl2")[0])


@pytest.mark.parametrize(("agent", "steps", "least"), LEAST)
def test_agents_reach_their_returns_on_cheetah_velocity(
    episodes: pd.DataFrame, agent: str, steps: int, least: float
) -> None:
    assert per_seed(episodes, CHEETAH, agent, steps=steps).mean() >= least


@pytest.mark.parametrize("agent", [agent for _, suite, agent in SEEDS if suite == SPARSE])
def test_exploring_over_episodes_pays_in_every_seed(episodes: pd.DataFrame, agent: str) -> None:
    assert (per_seed(episodes, SPARSE, agent) > per_seed(episodes, SPARSE, agent, shot=0)).all()


@pytest.mark.parametrize("agent", ["varibad", "metric", "pearl"])
def test_agents_keep_what_they_learn_on_cheetah_direction(episodes: pd.DataFrame, agent: str) -> None:
    assert (per_seed(episodes, DIRECTION, agent) > 0.8 * per_seed(episodes, DIRECTION, agent, steps=2_000_000)).all()


@pytest.mark.parametrize("agent", GRADIENT)
def test_gradient_steps_adapt_to_a_direction(episodes: pd.DataFrame, agent: str) -> None:
    before, after = (per_seed(episodes, DIRECTION, agent, protocol=K20, shot=shot) for shot in (0, None))
    assert (after > before).all()
    assert (after - before).median() >= 50
    assert (after > per_seed(episodes, DIRECTION, "multitask-ppo", protocol=K20)[after.index]).all()


@pytest.mark.parametrize(("steps", "least"), [(8_000_000, 120.0), (24_000_000, 200.0)])
def test_maml_reaches_learn2learns_returns(episodes: pd.DataFrame, steps: int, least: float) -> None:
    assert per_seed(episodes, H100, "maml", protocol=LEARN2LEARN, steps=steps).mean() >= least


@pytest.mark.parametrize(
    ("protocol", "steps", "seeds"),
    [(ROML, 3_200_000, 3), (ROML, 4_800_000, 3), (ROML, 6_400_000, 3), (ROML_30M, 30_000_000, 1)],
)
def test_varibad_reaches_romls_returns(episodes: pd.DataFrame, protocol: str, steps: int, seeds: int) -> None:
    rows = episodes[(episodes.protocol == protocol) & (episodes.agent == "varibad") & (episodes.split == "test")]
    scores = rows[rows.checkpoint_steps == steps].groupby("seed")["return"].mean()
    assert set(scores.index) == set(range(seeds))
    published = find_published(protocol, steps)
    assert published is not None
    assert scores.mean() >= published.score - published.band


@pytest.mark.parametrize("suite", [VEHICLE, NEW_VEHICLE])
def test_knowing_the_car_pays_in_drive_vehicle(episodes: pd.DataFrame, suite: str) -> None:
    references = make_suite(suite).spec.references
    assert references is not None
    oracle, memoryless = (per_seed(episodes, suite, agent).mean() for agent in ("oracle", "multitask-ppo"))
    assert references.normalise(oracle) - references.normalise(memoryless) >= 0.15


@pytest.mark.parametrize("suite", [*ADAPTING, REACH, PUSH])
def test_rl2_beats_random_in_every_seed(episodes: pd.DataFrame, suite: str) -> None:
    assert per_seed(episodes, suite, "rl2").min() > per_seed(episodes, suite, "random").max()


def test_rl2_lies_between_the_memoryless_policy_and_the_oracle(episodes: pd.DataFrame) -> None:
    scores = {agent: per_seed(episodes, CHEETAH, agent) for agent in ("random", "multitask-ppo", "rl2", "oracle")}
    assert scores["rl2"].min() > scores["multitask-ppo"].max() > scores["random"].max()
    assert scores["oracle"].mean() > scores["multitask-ppo"].mean()


def test_rl2_on_the_dense_point_robot_is_within_a_tenth_of_the_optimum(episodes: pd.DataFrame) -> None:
    suite = make_suite(DENSE)
    resolved = get_protocol("lite-v1").resolve(suite)
    trials = range(resolved.trials_per_task("test"))
    places = [(task, trial) for task in resolved.tasks("test") for trial in trials]
    worlds = suite.make_worlds(len(places))
    worlds.set_tasks([task for task, _ in places])
    key = (resolved.digest(), "trial", "test")
    starts, _ = worlds.reset(seed=[world_seed(*key, task.index, trial, "evaluation", 0) for task, trial in places])
    best = np.mean([optimal_return(suite, task, start) for (task, _), start in zip(places, starts, strict=True)])
    assert best < 0
    assert per_seed(episodes, DENSE, "rl2").min() >= 1.1 * best


def test_rl2_on_the_sparse_point_robot_beats_a_sweep_of_the_arc(episodes: pd.DataFrame) -> None:
    found = play_trials(Sweep(), make_suite(SPARSE), adaptation_episodes=0, num_tasks=30)
    sweep = np.mean([row["return"] for row in found.rows])
    assert sweep > 30  # the sweep itself is no straw man: the optimum is 53
    assert per_seed(episodes, SPARSE, "rl2").min() > sweep
