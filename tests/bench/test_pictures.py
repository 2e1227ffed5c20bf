"""Films and contact sheets are real files that show what was played; what cannot be drawn says how to mend it."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
from pathlib import Path

import mujoco
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from PIL import Image

from metarl_bench.cells import Cell, Plan
from metarl_bench.errors import BenchError, ConfigError, RecordError
from metarl_bench.pictures.captions import LINE
from metarl_bench.pictures.files import open_film
from metarl_bench.pictures.film import SIZE
from metarl_bench.pictures.opengl import ABOVE, Painter
from metarl_bench.pictures.sheet import COLUMNS, TILE
from metarl_bench.registry import make_suite
from metarl_bench.runner import run_cell
from tests.bench.support import Here

TOY = "toy/point-robot-v1"
CHEETAH = "locomotion/cheetah-velocity-v1"


def render(*words: object, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "metarl_bench.cli", "render", *map(str, words)],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )


def frames(path: Path) -> list[NDArray[np.uint8]]:
    with Image.open(path) as film:
        found = []
        for number in range(getattr(film, "n_frames", 1)):
            film.seek(number)
            found.append(np.asarray(film.convert("RGB")))
        return found


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    return run_cell(Cell(protocol="smoke-v1", suite=TOY, agent="random", seed=0), folder / "runs").folder


def test_a_film_of_a_run_shows_the_episodes_that_it_recorded(run_folder: Path, tmp_path: Path) -> None:
    done = render(TOY, "--run", run_folder, "--task", 15, "--out", tmp_path, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = pd.read_parquet(run_folder / "episodes.parquet")
    newest = rows["checkpoint_steps"] == rows["checkpoint_steps"].max()
    rows = rows[newest & (rows["split"] == "test") & (rows["task"] == 15) & (rows["trial"] == 0)]
    # In the order in which they are played: evaluated, adapted, evaluated again.
    recorded = {(row["phase"], row["shot"]): f"{row['return']:.2f}" for _, row in rows.iterrows()}
    expected = [
        f"  {phase} at shot {shot}: return {recorded[phase, shot]}"
        for phase, shot in (("evaluation", 0), ("adaptation", 0), ("evaluation", 1))
    ]
    assert done.stdout.splitlines()[-3:] == expected

    film = frames(tmp_path / "toy-point-robot-v1-test-15-random.gif")
    assert len(film) == 3 * (1 + 20)
    assert {frame.shape for frame in film} == {
        (SIZE[1] + 3 * LINE, SIZE[0], 3)
    }  # two lines say who and what, one what happens
    captions = [frame[: 3 * LINE] for frame in film]
    assert all((caption < 100).any() for caption in captions)
    assert (captions[0] != captions[1]).any()  # the return grows
    assert (captions[0] != captions[21]).any()  # another episode begins
    assert (film[0][3 * LINE :] != film[1][3 * LINE :]).any()  # the robot moves


def test_a_film_has_a_frame_every_tenth_of_a_second(tmp_path: Path) -> None:
    done = render(CHEETAH, "--protocol", "smoke-v1", "--out", tmp_path, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    # Three episodes of 200 steps of 0.05 s, and the first moment of each.
    (film,) = tmp_path.glob("*.gif")
    assert len(frames(film)) == 3 * (1 + 100)
    with Image.open(film) as opened:
        assert opened.info["duration"] == 100


def test_a_film_from_above_follows_the_robot_and_looks_down() -> None:
    suite = make_suite("navigation/drive-city-v1")
    worlds = suite.make_worlds(1)
    worlds.set_tasks(suite.tasks("test")[:1])
    worlds.reset(seed=0)
    model, data = worlds.scene(0)
    painter = Painter(model, width=120, height=120)
    first = painter.paint(data, cameras=(ABOVE,))
    data.qpos[:2] += 3.0
    mujoco.mj_forward(model, data)
    second = painter.paint(data, cameras=(ABOVE,))
    painter.close()
    for picture in (first, second):
        red = (picture[..., 0] > 1.5 * picture[..., 2].astype(float)) & (picture[..., 1] < 90)
        np.testing.assert_allclose(np.argwhere(red).mean(axis=0), 60, atol=3)
    assert (first != second).any()


def test_a_contact_sheet_has_one_picture_for_each_task(tmp_path: Path) -> None:
    done = render(CHEETAH, "--sheet", "--split", "test_ood", "--out", tmp_path, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (path,) = tmp_path.iterdir()
    (sheet,) = frames(path)
    height = TILE[1] + LINE
    assert sheet.shape == (30 // COLUMNS * height, COLUMNS * TILE[0], 3)
    tiles = [
        sheet[y : y + height, x : x + TILE[0]] for y in range(0, sheet.shape[0], height) for x in range(0, 1440, 240)
    ]
    assert all(tile.std() > 10 for tile in tiles)
    assert all((one != other).any() for one, other in itertools.pairwise(tiles))
    assert path.stat().st_size < 200_000


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("toy/point-robt-v1",), "Did you mean 'toy/point-robot-v1'"),
        (
            (TOY, "--protocol", "smoke-v1", "--task", "3"),
            "expected one of the test tasks that smoke-v1 plays: 5, 15",
        ),
        ((TOY, "--protocol", "smoke-v1", "--split", "validation"), "smoke-v1 tests test, train, test_ood"),
        ((TOY, "--above", "--paths"), "expected neither --sheet nor --paths with it"),
        ((TOY, "--sheet", "--task", "5"), "expected neither --task nor --run"),
        ((TOY, "--run", "nowhere"), "nowhere holds no weights; expected a run folder"),
        ((TOY, "--protocol", "smoke-v1", "--film", "mp4"), "Install it (apt-get install ffmpeg), or write a GIF"),
    ],
)
def test_bad_input_says_what_to_do(
    words: tuple[str, ...], message: str, tmp_path: Path, here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "mp4" in words:
        monkeypatch.setenv("PATH", str(tmp_path))
    done = here("render", *words, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.glob("pictures/*.gif"))


def test_a_machine_that_cannot_draw_is_told_what_to_install(tmp_path: Path) -> None:
    # PyOpenGL refuses both ways when it is told to use a third.
    done = render(TOY, "--sheet", cwd=tmp_path, PYOPENGL_PLATFORM="glx", MUJOCO_GL="")
    assert done.returncode == 2
    assert done.stderr.startswith("error: Nothing draws without a display here (egl: ")
    assert "; osmesa: " in done.stderr
    assert "apt-get install libegl1" in done.stderr


def test_training_worlds_cannot_be_drawn() -> None:
    plan = Plan.of(Cell(protocol="smoke-v1", suite=TOY, agent="random", seed=0))
    ground = plan.ground(plan.boundaries[0], steps=0, issued=0, num_threads=1, on_steps=lambda steps: None)
    with pytest.raises(BenchError, match=f"{TOY} cannot be drawn; its MeteredWorlds have no method scene"):
        ground.make_worlds(1).scene(0)  # a scene shows the goal


def test_painting_leaves_the_model_and_the_state_as_they_were() -> None:
    suite = make_suite(CHEETAH)
    worlds = suite.make_worlds(1, num_threads=1)
    worlds.set_tasks(suite.tasks("test")[:1])
    worlds.reset(seed=0)
    before = worlds.snapshot()
    model, data = worlds.scene(0)
    settings = (model.vis.global_.offwidth, model.vis.quality.offsamples, model.vis.quality.shadowsize)
    painter = Painter(model, width=64, height=48)
    picture = painter.paint(data, cameras=("no such camera", "track"))
    assert np.array_equal(picture, painter.paint(data, cameras=("track",)))
    assert picture.shape == (48, 64, 3)
    painter.close()
    assert settings == (model.vis.global_.offwidth, model.vis.quality.offsamples, model.vis.quality.shadowsize)
    after = worlds.snapshot()
    assert all(np.array_equal(before[name], after[name]) for name in before)


def test_the_newest_weights_of_a_run_act(run_folder: Path) -> None:
    from metarl_bench.checkpoints import newest_checkpoint, read_plan

    assert newest_checkpoint(run_folder).name == "8000"
    plan, steps = read_plan(newest_checkpoint(run_folder))
    assert (plan.cell, steps) == (Plan.of(plan.cell).cell, 8000)
    with pytest.raises(RecordError, match="holds no weights"):
        newest_checkpoint(run_folder / "checkpoints")


def test_films_are_gif_or_mp4(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"expected a name that ends in \.gif or \.mp4"):
        open_film(tmp_path / "film.avi", frame_s=0.1)


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="no ffmpeg here")
def test_an_mp4_has_all_frames(tmp_path: Path) -> None:
    film = open_film(tmp_path / "film.mp4", frame_s=0.1)
    for shade in range(20):
        film.add(Image.new("RGB", (41, 31), (10 * shade, 0, 0)))
    film.close()
    decode = ["ffmpeg", "-loglevel", "error", "-i", tmp_path / "film.mp4", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    content = subprocess.run(decode, capture_output=True, check=True).stdout
    film_back = np.frombuffer(content, np.uint8).reshape(20, 32, 42, 3)  # padded to even sizes
    shades = film_back[:, 10, 10, 0].astype(int)
    assert (np.diff(shades) > 0).all()
