"""A contact sheet: one picture of each task of a list, at the start of an episode."""

from __future__ import annotations

import io
import textwrap
from contextlib import closing

from PIL import Image

from metarl_bench import seeding
from metarl_bench.opening import open_worlds
from metarl_bench.pictures.captions import describe, with_caption
from metarl_bench.pictures.opengl import Painter
from metarl_bench.protocols import ResolvedProtocol
from metarl_bench.tasks import Split, Suite

TILE = (240, 135)  # pixels
LETTERS = 38  # of a line of a caption
COLUMNS = 6
COLOURS = 128  # scenes have few, and the file gets small
# A wide view where the model has one.
CAMERAS = ("overview", "track")


def contact_sheet(suite: Suite, resolved: ResolvedProtocol, split: Split) -> bytes:
    """Returns the picture of all tasks that a protocol tests on a split, as a PNG file.

    Raises:
        BenchError: If the suite cannot be drawn, or nothing draws here.
    """
    tasks = resolved.tasks(split)
    captions = [textwrap.wrap(f"{split} {task.index}: {describe(task, suite.spec)}", LETTERS) for task in tasks]
    most = max(map(len, captions))
    tiles = []
    with open_worlds(suite, tasks, num_threads=1) as worlds:
        worlds.reset(seed=[seeding.world_seed("contact sheet", suite.spec.id, task.index) for task in tasks])
        for world, caption in enumerate(captions):
            model, data = worlds.scene(world)
            with closing(Painter(model, width=TILE[0], height=TILE[1])) as painter:
                picture = painter.paint(data, cameras=CAMERAS)
            tiles.append(with_caption(picture, caption + [""] * (most - len(caption))))
    content = io.BytesIO()
    _grid(tiles).quantize(COLOURS).save(content, "PNG", optimize=True)
    return content.getvalue()


def _grid(tiles: list[Image.Image]) -> Image.Image:
    width, height = tiles[0].size
    rows = -(-len(tiles) // COLUMNS)
    sheet = Image.new("RGB", (width * min(COLUMNS, len(tiles)), height * rows), (255, 255, 255))
    for place, tile in enumerate(tiles):
        sheet.paste(tile, (width * (place % COLUMNS), height * (place // COLUMNS)))
    return sheet
