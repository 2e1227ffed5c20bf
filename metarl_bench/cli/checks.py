"""``metarl-bench check`` and ``metarl-bench doctor``: is this suite, agent or machine fit for use?"""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Annotated, Literal

import tyro

from metarl_bench.cli.text import say


def check(
    kind: Annotated[Literal["suite", "agent"], tyro.conf.Positional],
    name: Annotated[str, tyro.conf.Positional],
) -> int:
    """Check that a suite or an agent keeps its contract, rule by rule.

    Args:
        kind: What to check.
        name: Its id.
    """
    from metarl_bench.testing import ConformanceError, agent_checks, suite_checks
    from metarl_bench.testing.conformance import run_checks

    checks = suite_checks(name) if kind == "suite" else agent_checks(name)
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
