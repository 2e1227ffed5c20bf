"""What a result was computed with: the machine, the packages and the source, without naming anybody.

Bytes repeat where fingerprints are equal; elsewhere results agree within a tolerance.
"""

from __future__ import annotations

import functools
import hashlib
import os
import platform
import re
import resource
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def machine() -> dict[str, str | int]:
    """Returns the processor, a hash of its instruction sets, the cores and the operating system."""
    info = _processor()
    return {
        "cpu": info.get("model name") or platform.processor() or platform.machine(),
        "cpu_flags": hashlib.sha256(" ".join(sorted(info.get("flags", "").split())).encode()).hexdigest()[:12],
        "cores": os.cpu_count() or 1,
        "os": f"{platform.system()} {platform.machine()}",
    }


def packages() -> dict[str, str]:
    """Returns the versions that results depend on; of learning libraries, those that this process has imported."""
    imported = [name for name in ("torch", "stable-baselines3") if name.replace("-", "_") in sys.modules]
    return {"python": platform.python_version(), **installed(["metarl-bench", "mujoco", "numpy", *imported])}


def installed(names: Iterable[str]) -> dict[str, str]:
    """Returns the versions of some packages."""
    return {name: _version(name) for name in names}


def source() -> dict[str, str | bool] | None:
    """Returns the commit of the harness's own working tree, or None where it is not run from one."""
    here = Path(__file__).parent
    # An environment inside somebody else's repository is not our source: the file must be tracked.
    if _git(here, "ls-files", "--error-unmatch", Path(__file__).name) is None:
        return None
    commit = _git(here, "rev-parse", "HEAD")
    if commit is None:
        return None
    return {"commit": commit, "dirty": _git(here, "status", "--porcelain", "--untracked-files=no") != ""}


def peak_memory_mib() -> float:
    """Returns the largest resident memory of this process so far, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1024**2 if sys.platform == "darwin" else 1024), 1)


def without_paths(text: str) -> str:
    """Returns a traceback that names each file by its last two parts, so that nobody's folders are published."""
    return re.sub(r'File "[^"]*?([^"/\\]+[/\\][^"/\\]+)"', r'File "\1"', text)


def _processor() -> dict[str, str]:
    """Returns the first processor's entry of Linux's list; empty elsewhere."""
    try:
        text = Path("/proc/cpuinfo").read_text().partition("\n\n")[0]
    except OSError:
        return {}
    pairs = (line.partition(":") for line in text.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}


@functools.cache
def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, timeout=10)  # noqa: S603, S607
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
