"""Tables of one agent, seed by seed."""

from pathlib import Path

import pytest

from metarl_bench.cli import main
from metarl_bench.leaderboard import leaderboard
from metarl_bench.report.seeds import make_seed_sheets
from metarl_bench.report.tables import to_markdown
from tests.bench.frames import Place, Runs, make_frames, rules, synthetic_suite

__all__ = ["synthetic_suite"]

RESULTS = Path(__file__).parents[2] / "results"


def value(place: Place) -> float:
    return 10.0 * place.shot + place.seed + place.steps / 1e6


@pytest.mark.usefixtures("synthetic_suite")
def test_each_seed_has_its_shots_and_its_earlier_checkpoints() -> None:
    results, _, cells = make_frames([Runs("rl2", value), Runs("unfinished", value, reached=10_000)])
    (sheet,) = make_seed_sheets(leaderboard(results, cells))
    assert sheet.title == "rl2: synthetic/velocity-v1, lite-v1, 4,000,000 training steps"
    assert sheet.headers == ("seed", "shot 0", "shot 1", "shot 2", "10k", "1M")
    assert sheet.rows == (
        ("0", "4.0", "14.0", "24.0", "20.0", "21.0"),
        ("1", "5.0", "15.0", "25.0", "21.0", "22.0"),
        ("2", "6.0", "16.0", "26.0", "22.0", "23.0"),
        ("mean", "5.0", "15.0", "25.0", "21.0", "22.0"),
    )


@pytest.mark.usefixtures("synthetic_suite")
def test_many_shots_are_thinned_and_one_seed_has_no_mean() -> None:
    results, _, cells = make_frames([Runs("rl2", value, seeds=[0])], rules(adaptation_episodes=20))
    (sheet,) = make_seed_sheets(leaderboard(results, cells))
    assert sheet.headers[1:7] == ("shot 0", "shot 1", "shot 2", "shot 5", "shot 10", "shot 20")
    assert [row[0] for row in sheet.rows] == ["0"]


@pytest.mark.usefixtures("synthetic_suite")
def test_a_score_of_whole_trials_stands_for_its_shots() -> None:
    trial = rules(score="trial", evaluation_episodes=0)
    results, _, cells = make_frames([Runs("rl2", value)], trial)
    (sheet,) = make_seed_sheets(leaderboard(results, cells))
    assert sheet.headers == ("seed", "score", "10k", "1M")
    assert sheet.rows[0] == ("0", "9.0", "5.0", "6.0")  # a mean of the shots 0 and 1
    assert "Shot k" not in to_markdown(leaderboard(results, cells), make_seed_sheets)


def test_the_command_fills_in_an_agents_readme(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("before\n<!-- leaderboard:begin -->\n<!-- leaderboard:end -->\nafter\n")
    wanted = ["--suite", "toy/point-robot-v1", "--agent", "rl2"]
    assert main(["leaderboard", str(RESULTS), *wanted, "--format", "markdown", "--into", str(readme)]) == 0
    assert "### rl2: toy/point-robot-v1, lite-v1, 4,000,000 training steps" in readme.read_text()
    assert main(["leaderboard", str(RESULTS), *wanted]) == 0
    assert "shot" in capsys.readouterr().out
    assert main(["leaderboard", str(RESULTS), "--agent", "rl3"]) == 2
    assert "Did you mean" in capsys.readouterr().err
