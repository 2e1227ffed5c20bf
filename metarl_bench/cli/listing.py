"""``metarl-bench list``: what there is to run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from metarl_bench.cli.text import say, show_table

if TYPE_CHECKING:
    from metarl_bench.protocols import Protocol
    from metarl_bench.tasks import SuiteSpec


def list_ids(what: Annotated[Literal["suites", "agents", "protocols", "all"], tyro.conf.Positional] = "all") -> int:
    """List suites, agents and protocols.

    Args:
        what: Which of them.
    """
    listings = {"suites": _suites, "agents": _agents, "protocols": _protocols}
    chosen = list(listings) if what == "all" else [what]
    for position, name in enumerate(chosen):
        if position:
            say("")
        listings[name]()
    return 0


def _suites() -> None:
    from metarl_bench.registry import SUITES

    rows = [
        (spec.id, f"{spec.budget:,}", str(spec.horizon), "yes" if spec.ranked else "no", _summary(spec))
        for spec in SUITES.all()
    ]
    show_table("Suites", ("id", "budget (steps)", "horizon", "ranked", "summary"), rows)


def _summary(spec: SuiteSpec) -> str:
    return f"{spec.summary} (superseded by {spec.superseded_by})" if spec.superseded_by else spec.summary


def _agents() -> None:
    from metarl_bench.registry import AGENTS

    rows = [(spec.id, spec.kind, spec.division, spec.summary) for spec in AGENTS.all()]
    show_table("Agents", ("id", "kind", "division", "summary"), rows)


def _protocols() -> None:
    from metarl_bench.protocols import PROTOCOLS

    rows = [
        (
            protocol.id,
            _budget(protocol),
            str(protocol.adaptation_episodes),
            str(protocol.num_tasks),
            str(len(protocol.seeds)),
            protocol.purpose,
        )
        for protocol in PROTOCOLS
    ]
    show_table("Protocols", ("id", "budget (steps)", "K", "test tasks", "seeds", "purpose"), rows)
    published = [
        (protocol.id, number.agent, f"{number.steps:,}", f"{number.score:g}", f"{number.lowest:g}", number.source)
        for protocol in PROTOCOLS
        for number in protocol.published
    ]
    say("")
    show_table("Published", ("protocol", "agent", "steps", "score", "agrees from", "source"), published)


def _budget(protocol: Protocol) -> str:
    if protocol.budget is None:
        return "the suite's"
    if protocol.unit_episodes is None:
        return f"{protocol.budget:,}"
    return f"{protocol.budget * protocol.unit_episodes:,} episodes"
