import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from PIL import Image

from metarl_bench.errors import ConfigError, RecordError
from metarl_bench.leaderboard import leaderboard, split_tables
from metarl_bench.report.figures import adaptation_curve, sample_efficiency_curve, save_figure, within_trial_curve
from tests.bench.frames import SUITE, Runs, make_frames, rules, synthetic_suite

__all__ = ["synthetic_suite"]


def value(place) -> float:
    return -200.0 + 20 * np.log10(place.steps / 10_000) + 10 * place.shot + place.seed + place.task


RUNS = (
    Runs("rl2", value),
    Runs("random", lambda place: -300.0 + place.seed, seeds=[0], root="results"),
    Runs("unfinished", value, reached=10_000),
)


def make_table(runs=RUNS, protocol=None) -> tuple[pd.DataFrame, pd.DataFrame]:
    results, within, cells = make_frames(runs, protocol)
    (table,) = split_tables(leaderboard(results, cells))
    return table, within


def legend(figure: Figure) -> list[str]:
    return [text.get_text().strip() for text in figure.legends[0].get_texts()]


def test_the_adaptation_curve_shows_shots_episodes_and_intervals():
    table, _ = make_table()
    figure = adaptation_curve(table)
    above, below = figure.axes
    assert legend(figure) == ["rl2 in runs (n = 3)", "random in results (n = 1)"]
    rl2, random = above.containers
    np.testing.assert_allclose(rl2.lines[0].get_ydata().astype(float), table["shots"][0])
    np.testing.assert_allclose(below.containers[0].lines[0].get_ydata().astype(float), table["online"][0])
    bars = [path.vertices[:, 1] for path in rl2.lines[2][0].get_paths()]
    np.testing.assert_allclose(bars, list(zip(table["shots_low"][0], table["shots_high"][0], strict=True)))
    assert all(np.isnan(path.vertices[:, 1]).all() for path in random.lines[2][0].get_paths())
    assert "return" in above.get_ylabel()


def test_the_sample_efficiency_curve_shows_every_seed_on_log_steps(synthetic_suite):
    table, _ = make_table()
    (axis,) = sample_efficiency_curve(table).axes
    curves = [line.get_ydata() for line in axis.lines]
    for expected in (*table["curve_by_seed"][0], table["curve"][0], table["curve"][1]):
        assert any(np.array_equal(curve, expected) for curve in curves)
    assert axis.get_xscale() == "log"
    levels = {curve[0] for curve in curves if len(set(curve)) == 1}
    assert {synthetic_suite.references.random, synthetic_suite.references.expert} <= levels


def test_the_reward_within_the_trial_breaks_at_the_borders_of_episodes():
    table, within = make_table()
    (axis,) = within_trial_curve(table, within).axes
    lines = [line for line in axis.lines if len(line.get_xdata()) == SUITE.horizon]
    assert len(lines) == 2 * 2  # agents, episodes
    mine = within[(within["agent"] == "rl2") & (within["checkpoint_steps"] == 4_000_000) & (within["split"] == "test")]
    means = mine.groupby("time")["reward"].mean().to_numpy()  # the IQM of three seeds is their mean
    np.testing.assert_allclose(np.concatenate([line.get_ydata() for line in lines[:2]]), means)
    assert [line.get_xdata()[0] for line in lines[:2]] == [1, 11]
    borders = [line for line in axis.lines if len(line.get_xdata()) == 2]
    assert [line.get_xdata()[0] for line in borders] == [10.5]


def test_a_time_at_which_a_seed_has_no_reward_is_a_gap():
    table, within = make_table(runs=[Runs("rl2", value)])
    within.loc[(within["seed"] == 1) & (within["time"] == 3), "reward"] = np.nan
    line = within_trial_curve(table, within).axes[0].lines[0]
    assert np.flatnonzero(np.isnan(line.get_ydata())).tolist() == [3]


def test_an_episode_that_failed_in_all_worlds_is_a_gap_and_moves_no_other():
    table, within = make_table(runs=[Runs("rl2", value)])
    whole = [line.get_ydata() for line in within_trial_curve(table, within).axes[0].lines[:2]]
    horizon = SUITE.horizon
    for seeds, episode in ([0, 1, 2], 0), ([0, 1, 2], 1), ([1], 0):
        # As records have it: times without a reward are left out.
        lost = within["seed"].isin(seeds) & (within["time"] // horizon == episode)
        lines = within_trial_curve(table, within[~lost]).axes[0].lines[:2]
        assert np.isnan(lines[episode].get_ydata()).all()
        np.testing.assert_array_equal(lines[1 - episode].get_ydata(), whole[1 - episode])
        assert lines[1].get_xdata()[0] == horizon + 1
    for kept in (within["seed"] != 1, within["seed"] == 9):  # a seed that failed everywhere; none that did not
        assert np.isnan(within_trial_curve(table, within[kept]).axes[0].lines[0].get_ydata()).all()


def test_figures_are_saved_with_equal_bytes_and_no_date(tmp_path):
    table, within = make_table()
    for name, draw in (
        ("adaptation", lambda: adaptation_curve(table)),
        ("efficiency", lambda: sample_efficiency_curve(table)),
        ("within", lambda: within_trial_curve(table, within)),
    ):
        first, second = (save_figure(draw(), tmp_path / f"{name}.{run}") for run in (1, 2))
        assert [path.name for path in first] == [f"{name}.1.png", f"{name}.1.pdf"]
        assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
        assert b"CreationDate" not in first[1].read_bytes()
        width, height = Image.open(first[0]).size
        assert width == 1020  # a paper's column at 300 dots an inch
        assert height > 400


def test_drawing_leaves_the_style_of_others_alone(tmp_path):
    table, _ = make_table()
    before = dict(mpl.rcParams)
    save_figure(adaptation_curve(table), tmp_path / "figure")
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize("name", ["$x^{$", "_hidden", "a\nb", "\\frac{", "x" * 500])
def test_names_are_drawn_as_text(name, tmp_path):
    table, _ = make_table(runs=[Runs(name, value)])
    figure = sample_efficiency_curve(table)
    save_figure(figure, tmp_path / "figure")
    assert legend(figure)[0].startswith(name.replace("\n", " ")[:50])


def test_many_agents_look_different():
    table, _ = make_table(runs=[Runs(f"agent-{number}", value, seeds=[0]) for number in range(12)])
    handles = sample_efficiency_curve(table).legends[0].get_lines()
    looks = {(handle.get_color(), handle.get_marker(), handle.get_linestyle()) for handle in handles}
    assert len(looks) == 12


def test_success_rates_are_labelled_as_such_and_have_no_reference_lines(synthetic_suite):
    solved = Runs("rl2", value, success=lambda place: place.task < place.shot)
    table, _ = make_table(runs=[solved], protocol=rules(measure="success"))
    (axis,) = sample_efficiency_curve(table).axes
    assert axis.get_ylabel() == "success rate"
    assert all(0 <= line.get_ydata()[0] <= 1 for line in axis.lines)


def test_a_table_without_complete_runs_is_refused():
    table, within = make_table(runs=[Runs("unfinished", value, reached=10_000)])
    for draw in (adaptation_curve, sample_efficiency_curve, lambda frame: within_trial_curve(frame, within)):
        with pytest.raises(ConfigError, match="nothing to draw"):
            draw(table)


def test_a_figure_of_two_digests_is_refused():
    first, second = make_table()[0], make_table(protocol=rules(num_trials=3))[0]
    with pytest.raises(ConfigError, match="2 digests"):
        adaptation_curve(pd.concat([first, second]))


def test_a_folder_that_is_not_there_is_named(tmp_path):
    table, _ = make_table()
    with pytest.raises(RecordError, match="missing"):
        save_figure(adaptation_curve(table), tmp_path / "missing" / "figure")
