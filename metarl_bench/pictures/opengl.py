"""Draws MuJoCo scenes without a display: EGL or OSMesa, whichever works."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from importlib import import_module
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from metarl_bench.errors import BenchError

WAY_VARIABLE = "MUJOCO_GL"
WAYS = ("egl", "osmesa")
SKY = (205, 222, 240)  # where nothing is; black otherwise
LINES = 10  # metres from the camera
ABOVE = "above"
RISE = 4.0  # times as far from the robot as the camera ``track`` is
LINE_COLOUR = np.array([0.55, 0.6, 0.55, 1.0], np.float32)
# Real drawing, in a process of its own: a broken driver may end the process, and PyOpenGL cannot change its mind.
_PROBE = """
import mujoco
from mujoco.{way} import GLContext
context = GLContext(16, 16)
context.make_current()
drawing = mujoco.MjrContext(mujoco.MjModel.from_xml_string("<mujoco/>"), mujoco.mjtFontScale.mjFONTSCALE_100)
drawing.free()
context.free()
"""
_MEND = (
    "On Debian or Ubuntu: apt-get install libegl1 libgl1-mesa-dri (EGL, also without a graphics card), or "
    f"apt-get install libosmesa6 (OSMesa). {WAY_VARIABLE}=egl or =osmesa tries one of them alone."
)


class Painter:
    """Draws the scenes of one model, until it is closed."""

    def __init__(self, model: mujoco.MjModel, *, width: int, height: int) -> None:
        """Makes the OpenGL context.

        Args:
            model: Its geometry is sent to OpenGL now: a model that changes needs another painter.
            width: Of the pictures, pixels.
            height: Of the pictures, pixels.

        Raises:
            BenchError: If no way of drawing works here; the message says how to mend it.
        """
        self._window = _context_class()(width, height)
        self._window.make_current()
        self._model = model
        self._context = _drawing_context(model, width, height)
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, self._context)
        self._rect = mujoco.MjrRect(0, 0, width, height)
        self._scene = mujoco.MjvScene(model, maxgeom=model.ngeom + 1000)
        # Software renderers take 10 to 20 times as long with these.
        for flag in (mujoco.mjtRndFlag.mjRND_SHADOW, mujoco.mjtRndFlag.mjRND_REFLECTION):
            self._scene.flags[flag] = False

    def paint(self, data: mujoco.MjData, *, cameras: tuple[str, ...]) -> NDArray[np.uint8]:
        """Returns a picture [height, width, 3].

        Args:
            data: The state, with positions computed.
            cameras: Names, best first; a view of the whole model where it has none of them. ``above`` is known to every
                model: straight down on the body that carries ``track``, or on the whole model where none does.
        """
        options, camera = mujoco.MjvOption(), _camera(self._model, data, cameras)
        mujoco.mjv_updateScene(self._model, data, options, None, camera, mujoco.mjtCatBit.mjCAT_ALL, self._scene)
        self._add_lines(data)
        self._window.make_current()
        mujoco.mjr_render(self._rect, self._scene, self._context)
        picture = np.zeros((self._rect.height, self._rect.width, 3), np.uint8)
        mujoco.mjr_readPixels(picture, None, self._rect, self._context)
        picture[~picture.any(axis=2)] = SKY
        return picture[::-1].copy()  # OpenGL begins at the bottom

    def _add_lines(self, data: mujoco.MjData) -> None:
        """Draws a line every metre on the planes near the camera: without them, nothing shows how fast one runs."""
        middle = np.round(self._scene.camera[0].pos)
        if middle[2] > LINES:
            return  # from so high up they would be a speck
        for plane in np.flatnonzero(self._model.geom_type == mujoco.mjtGeom.mjGEOM_PLANE):
            height = data.geom_xpos[plane, 2]
            for offset in range(-LINES, LINES + 1):
                x, y = middle[:2] + offset
                for place, size in (((x, middle[1]), (0.01, LINES)), ((middle[0], y), (LINES, 0.01))):
                    line = self._scene.geoms[self._scene.ngeom]
                    self._scene.ngeom += 1
                    position, half = np.array([*place, height]), np.array([*size, 0.001])
                    mujoco.mjv_initGeom(line, mujoco.mjtGeom.mjGEOM_BOX, half, position, np.eye(3).ravel(), LINE_COLOUR)

    def close(self) -> None:
        """Frees what OpenGL holds."""
        self._context.free()
        self._window.free()


def _drawing_context(model: mujoco.MjModel, width: int, height: int) -> mujoco.MjrContext:
    """Returns a context with a buffer of this size, no multisampling and no shadow map; leaves the model as it was."""
    size, quality = model.vis.global_, model.vis.quality
    places = [(size, "offwidth", width), (size, "offheight", height), (quality, "offsamples", 0)]
    places.append((quality, "shadowsize", 0))
    kept = [getattr(part, name) for part, name, _ in places]
    for part, name, value in places:
        setattr(part, name, value)
    try:
        return mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_100)
    finally:
        for (part, name, _), value in zip(places, kept, strict=True):
            setattr(part, name, value)


def _camera(model: mujoco.MjModel, data: mujoco.MjData, names: tuple[str, ...]) -> mujoco.MjvCamera:
    camera = mujoco.MjvCamera()
    mujoco.mjv_defaultFreeCamera(model, camera)
    for name in names:
        if name == ABOVE:
            return _look_down(model, data, camera)
        number = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_CAMERA, name)
        if number >= 0:
            camera.type = mujoco.mjtCamera.mjCAMERA_FIXED
            camera.fixedcamid = number
            return camera
    return camera


def _look_down(model: mujoco.MjModel, data: mujoco.MjData, camera: mujoco.MjvCamera) -> mujoco.MjvCamera:
    camera.azimuth, camera.elevation = 90.0, -90.0
    track = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_CAMERA, "track")
    if track >= 0:
        # No tracking camera: MuJoCo's follows with a delay.
        camera.lookat[:] = data.xpos[model.cam_bodyid[track]]
        camera.distance = RISE * float(np.linalg.norm(model.cam_pos[track]))
    return camera


@functools.cache
def _context_class() -> Any:
    """Returns the class of OpenGL contexts that works here."""
    if sys.platform != "linux":
        return mujoco.GLContext  # the system's own needs no display there
    asked = os.environ.get(WAY_VARIABLE, "").strip().lower()
    problems = []
    for way in (asked,) if asked in WAYS else WAYS:
        problem = _problem(way)
        if problem is None:
            return import_module(f"mujoco.{way}").GLContext
        problems.append(f"{way}: {problem}")
    raise BenchError(f"Nothing draws without a display here ({'; '.join(problems)}). {_MEND}")


def _problem(way: str) -> str | None:
    """Returns what keeps a way of drawing from working, None if nothing does."""
    command = [sys.executable, "-c", _PROBE.format(way=way)]
    done = subprocess.run(command, env={**os.environ, WAY_VARIABLE: way}, capture_output=True, text=True)  # noqa: S603
    if done.returncode == 0:
        return None
    lines = done.stderr.strip().splitlines()
    return lines[-1] if lines else f"the process ended with {done.returncode}"
