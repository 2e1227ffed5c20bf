"""``metarl-bench check`` and ``metarl-bench doctor``: is this suite, agent or machine fit for use?"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from metarl_bench.cli.settings import Settings, parse_settings
from metarl_bench.cli.text import say

if TYPE_CHECKING:
    from metarl_bench.testing import Check


def check_suite(name: Annotated[str, tyro.conf.Positional], deterministic: bool = False) -> int:
    """Check that a suite keeps its contract, rule by rule.

    Args:
        name: Its id.
        deterministic: Episodes depend on task and actions alone, not on the seed; is checked.
    """
    from metarl_bench.testing import suite_checks

    return _report(name, suite_checks(name, deterministic=deterministic))


def check_agent(
    name: Annotated[str, tyro.conf.Positional],
    suite: str = "toy/point-robot-v1",
    steps: int = 10_000,
    settings: Settings = (),
    deterministic: bool = False,
) -> int:
    """Check that an agent keeps its contract, rule by rule.

    Args:
        name: Its id.
        suite: Suite that it is checked on.
        steps: Environment steps of a training segment; should hold several iterations.
        settings: Values of the agent's configuration, each as name=value, such as smaller batches.
        deterministic: Actions depend on what the agent observes alone, not on the seed; is checked.
    """
    from metarl_bench.testing import agent_checks

    config = dict(parse_settings(settings))
    return _report(name, agent_checks(name, suite=suite, steps=steps, config=config, deterministic=deterministic))


def _report(name: str, checks: Sequence[Check]) -> int:
    from metarl_bench.testing import ConformanceError
    from metarl_bench.testing.conformance import run_checks

    broken = 0
    for rule in checks:
        try:
            run_checks(name, [rule])
        except ConformanceError as error:
            broken += 1
            say(f"FAIL  {rule}\n{textwrap.indent(error.failures[rule.name], ' ' * 6)}")
        else:
            say(f"ok    {rule}")
    say(f"{name}: {len(checks) - broken} of {len(checks)} rules kept")
    return int(broken > 0)


def doctor(out: Path = Path("runs")) -> int:
    """Check that this machine is fit for runs.

    Args:
        out: Folder that runs would be written to.
    """
    from metarl_bench.doctor import examine

    findings = examine(out)
    for finding in findings:
        say(f"{finding.status:<4}  {finding.subject:<8}  {finding.text}")
        if finding.mend:
            say(f"{'':16}-> {finding.mend}")
    return int(any(finding.status == "bad" for finding in findings))
