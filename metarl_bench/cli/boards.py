"""``metarl-bench leaderboard`` and ``metarl-bench plot``: from run folders to tables and figures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import tyro

from metarl_bench.cli.text import say

Roots = Annotated[tuple[Path, ...], tyro.conf.Positional]


def leaderboard(roots: Roots) -> int:
    """Rank."""
    return 0


def plot(roots: Roots, out: Path) -> int:
    """Draw."""
    return 0
