"""A robotics benchmark for meta reinforcement learning; everything here loads when it is first used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from metarl_bench.records import load_results
    from metarl_bench.registry import make_suite
    from metarl_bench.runner import evaluate, run

__all__ = ["evaluate", "list_agents", "list_protocols", "list_suites", "load_results", "make_suite", "run"]

_HOMES = {
    "evaluate": "metarl_bench.runner",
    "load_results": "metarl_bench.records",
    "make_suite": "metarl_bench.registry",
    "run": "metarl_bench.runner",
}


def list_suites() -> list[str]:
    """Returns the ids of all suites."""
    from metarl_bench.registry import SUITES

    return [spec.id for spec in SUITES.all()]


def list_agents() -> list[str]:
    """Returns the ids of all agents."""
    from metarl_bench.registry import AGENTS

    return [spec.id for spec in AGENTS.all()]


def list_protocols() -> list[str]:
    """Returns the ids of all protocols."""
    from metarl_bench.protocols import PROTOCOLS

    return [protocol.id for protocol in PROTOCOLS]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
