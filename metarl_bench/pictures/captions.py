"""Words above pictures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from metarl_bench.tasks import SuiteSpec, Task

FONT_SIZE = 13  # pixels
LINE = 17  # pixels
_BACKGROUND, _INK = (255, 255, 255), (20, 20, 20)


def with_caption(picture: NDArray[np.uint8], lines: Sequence[str]) -> Image.Image:
    """Returns a picture with lines of text above it; what is too long for its width is cut.

    Args:
        picture: [height, width, 3].
        lines: From the top.
    """
    height, width, _ = picture.shape
    image = Image.new("RGB", (width, height + LINE * len(lines)), _BACKGROUND)
    image.paste(Image.fromarray(picture), (0, LINE * len(lines)))
    drawing, font = ImageDraw.Draw(image), ImageFont.load_default(FONT_SIZE)
    for row, line in enumerate(lines):
        drawing.text((4, 1 + LINE * row), line, fill=_INK, font=font)
    return image


def describe(task: Task, suite: SuiteSpec) -> str:
    """Returns a task's parameters in one line, with their units."""
    units = {parameter.name: f" {parameter.unit}" for parameter in suite.parameters if parameter.unit != "1"}
    return ", ".join(
        value if isinstance(value, str) else f"{name.replace('_', ' ')} {value:.3g}{units.get(name, '')}"
        for name, value in task.params
    )
