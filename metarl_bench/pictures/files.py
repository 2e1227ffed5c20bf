"""Films as files: GIF, which pillow writes, and MP4, which takes a program of its own."""

from __future__ import annotations

import contextlib
import io
import shutil
import subprocess
from abc import ABC, abstractmethod
from pathlib import Path

from PIL import Image
from typing_extensions import override

from metarl_bench.errors import ConfigError
from metarl_bench.storage import TEMPORARY, prepare_file, storing, write_atomically

GIF_COLOURS = 64
FFMPEG = "ffmpeg"


class FilmFile(ABC):
    """A film that is being written; it appears under its name when it is closed."""

    @abstractmethod
    def add(self, frame: Image.Image) -> None:
        """Adds a frame; all frames have the same size."""

    @abstractmethod
    def close(self) -> None:
        """Ends the film."""


def open_film(path: Path, *, frame_s: float) -> FilmFile:
    """Returns a film to write.

    Args:
        path: Ends in .gif or .mp4; the folder is made.
        frame_s: Seconds of a frame.

    Raises:
        ConfigError: If films of that kind cannot be written here.
    """
    kinds = {".gif": GifFile, ".mp4": Mp4File}
    kind = kinds.get(path.suffix)
    if kind is None:
        raise ConfigError(f"The film is to be called {path.name}; expected a name that ends in {' or '.join(kinds)}.")
    if kind is Mp4File and shutil.which(FFMPEG) is None:
        raise ConfigError(
            f"{path.name} takes the program {FFMPEG}, which is not on the PATH. Install it (apt-get install ffmpeg), "
            "or write a GIF, which takes nothing more."
        )
    prepare_file(path)
    return kind(path, frame_s=frame_s)


class GifFile(FilmFile):
    """Keeps all frames in the colours of the first one, so that what does not move takes no room."""

    def __init__(self, path: Path, *, frame_s: float) -> None:
        self._path = path
        self._frame_s = frame_s
        self._frames: list[Image.Image] = []

    @override
    def add(self, frame: Image.Image) -> None:
        palette = self._frames[0] if self._frames else frame.quantize(GIF_COLOURS, dither=Image.Dither.NONE)
        self._frames.append(frame.quantize(palette=palette, dither=Image.Dither.NONE))

    @override
    def close(self) -> None:
        content = io.BytesIO()
        first, *others = self._frames
        duration = round(1000 * self._frame_s)
        first.save(content, "GIF", save_all=True, append_images=others, duration=duration, loop=0)
        write_atomically(self._path, content.getvalue())


class Mp4File(FilmFile):
    """Hands the frames to ffmpeg as they come."""

    def __init__(self, path: Path, *, frame_s: float) -> None:
        self._path = path
        self._temporary = path.with_name(f"{TEMPORARY}{path.name}")
        self._rate = 1.0 / frame_s
        self._encoder: subprocess.Popen[bytes] | None = None

    @override
    def add(self, frame: Image.Image) -> None:
        if self._encoder is None:
            self._encoder = self._start(*frame.size)
        assert self._encoder.stdin is not None  # noqa: S101 - for mypy: a pipe was asked for
        with contextlib.suppress(BrokenPipeError):  # close says why
            self._encoder.stdin.write(frame.tobytes())

    @override
    def close(self) -> None:
        if self._encoder is None:
            return
        _, errors = self._encoder.communicate()
        if self._encoder.returncode:
            self._temporary.unlink(missing_ok=True)
            last = errors.decode(errors="replace").strip().splitlines()[-1:]
            raise ConfigError(f"{FFMPEG} could not write {self._path}: {' '.join(last)}. A GIF needs no such program.")
        with storing(self._path):
            self._temporary.replace(self._path)

    def _start(self, width: int, height: int) -> subprocess.Popen[bytes]:
        words = [FFMPEG, "-loglevel", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}"]
        words += ["-r", f"{self._rate:g}", "-i", "-"]
        # The pixel format that every player knows, which takes even sizes.
        words += ["-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2", "-pix_fmt", "yuv420p", str(self._temporary)]
        return subprocess.Popen(words, stdin=subprocess.PIPE, stderr=subprocess.PIPE)  # noqa: S603
