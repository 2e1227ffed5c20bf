"""Is this machine fit for runs? Each finding says what was found and, where something is wrong, how to mend it."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path
from typing import Literal

PROJECT = "metarl-bench"
OLDEST_PYTHON = (3, 11)
CELL_MEMORY_GIB = 2.0
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")

Status = Literal["ok", "note", "bad"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one look at the machine found.

    Attributes:
        subject: What was looked at.
        status: ``note`` for what may change speed or bytes, ``bad`` for what keeps runs from working.
        text: What was found.
        mend: What to do about it; empty where all is well.
    """

    subject: str
    status: Status
    text: str
    mend: str = ""


def examine(out: Path) -> list[Finding]:
    """Returns all findings, in the order in which they are best mended.

    Args:
        out: Folder that runs would be written to; it is not created.
    """
    tested = tested_versions()
    return [
        check_python(),
        check_packages(tested),
        check_cores(),
        check_memory(),
        check_simulator(),
        check_folder(out),
        check_threads(os.environ),
    ]


def tested_versions() -> dict[str, str]:
    """Returns the versions in ``constraints.txt``, by normalised package name."""
    here = Path(__file__).parent
    # Beside the package in a wheel; in the repository's root where the package is used from there.
    text = next(
        (
            path.read_text(encoding="utf-8")
            for path in (here / "constraints.txt", here.parent / "constraints.txt")
            if path.exists()
        ),
        "",
    )
    pins = (line.split("==") for line in text.splitlines() if "==" in line and not line.startswith("#"))
    return {_normalise(name): pin for name, pin in pins}


def check_python() -> Finding:
    """Looks at the interpreter."""
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < OLDEST_PYTHON:
        return Finding("python", "bad", found, "Install Python 3.11 or newer.")
    return Finding("python", "ok", found)


def check_packages(tested: dict[str, str]) -> Finding:
    """Compares the installed versions of the direct dependencies with those that were tested."""
    missing, different = [], []
    names = _dependencies()
    for name in names:
        try:
            found = version(name).partition("+")[0]
        except PackageNotFoundError:
            missing.append(name)
            continue
        if name in tested and found != tested[name]:
            different.append(f"{name} {found} (tested: {tested[name]})")
    if missing:
        return Finding("packages", "bad", f"missing: {', '.join(missing)}", f"pip install {' '.join(missing)}")
    if different:
        mend = "Results may differ in their bytes; to get the tested versions: pip install -c constraints.txt -e ."
        return Finding("packages", "note", "; ".join(different), mend)
    return Finding("packages", "ok", f"{len(names)} packages, all as tested")


def check_cores() -> Finding:
    """Counts the cores that this process may use."""
    cores = _usable_cores()
    if cores < 2:
        return Finding("cores", "note", f"{cores}", "Runs work on one core; two take about half the time.")
    return Finding("cores", "ok", f"{cores}")


def check_memory() -> Finding:
    """Looks at the machine's memory."""
    try:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    except (AttributeError, OSError, ValueError):
        return Finding("memory", "note", "unknown on this system", f"A cell takes up to {CELL_MEMORY_GIB:g} GiB.")
    if size < CELL_MEMORY_GIB:
        mend = f"A cell takes up to {CELL_MEMORY_GIB:g} GiB; use --workers 1 and close other programs."
        return Finding("memory", "note", f"{size:.1f} GiB", mend)
    return Finding("memory", "ok", f"{size:.1f} GiB: room for --workers {max(1, int(size // CELL_MEMORY_GIB))}")


def check_simulator() -> Finding:
    """Lets a sphere fall for a tenth of a second, which has a known end."""
    try:
        import mujoco

        model = mujoco.MjModel.from_xml_string(
            '<mujoco><option timestep="0.01"/><worldbody><body><freejoint/><geom size="1" mass="1"/></body>'
            "</worldbody></mujoco>"
        )
        data = mujoco.MjData(model)
        for _ in range(10):
            mujoco.mj_step(model, data)
    except Exception as error:  # noqa: BLE001 - a broken installation may raise anything
        return Finding("mujoco", "bad", f"does not step: {error!r}", "pip install --force-reinstall mujoco==3.3.0")
    # Semi-implicit Euler: z = -g dt^2 (1 + 2 + ... + 10).
    if abs(data.qpos[2] + 9.81 * 0.01**2 * 55) > 1e-9:
        mend = "pip install --force-reinstall mujoco==3.3.0"
        return Finding("mujoco", "bad", f"a falling sphere is at {data.qpos[2]} m; expected -0.0539550 m", mend)
    return Finding("mujoco", "ok", f"{mujoco.__version__} steps")


def check_folder(out: Path) -> Finding:
    """Writes a temporary file where runs would go."""
    folder = out.absolute()
    try:
        while not folder.exists():
            folder = folder.parent
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"x" * 4096)
    except OSError as error:
        mend = "Choose another folder with --out, or make this one writable."
        return Finding("output", "bad", f"{folder}: {error.strerror or error}", mend)
    return Finding("output", "ok", f"{folder} is writable")


def check_threads(environment: os._Environ[str] | dict[str, str]) -> Finding:
    """Looks for thread settings that ask for more threads than there are cores."""
    cores = _usable_cores()
    wrong = []
    for name in THREAD_VARIABLES:
        value = environment.get(name, "")
        if value and not (value.isdigit() and 1 <= int(value) <= cores):
            wrong.append(f"{name}={value}")
    if wrong:
        mend = f"Unset it, or choose a number from 1 to {cores}: more threads than cores slow a run down."
        return Finding("threads", "note", ", ".join(wrong), mend)
    return Finding("threads", "ok", "no setting in the way")


def _usable_cores() -> int:
    # Containers and batch systems give fewer cores than the machine has.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _dependencies() -> list[str]:
    """Returns the names of the runtime dependencies that our own metadata declares."""
    required = distribution(PROJECT).requires or []
    runtime = (line for line in required if "extra ==" not in line)
    return [_normalise(re.split(r"[^\w.-]", line, maxsplit=1)[0]) for line in runtime]


def _normalise(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
