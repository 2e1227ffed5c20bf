"""Conformance checks for suites and agents, and agents of known behaviour for tests.

A suite's or an agent's own test needs no more than::

    @pytest.mark.parametrize("check", suite_checks("family/name-v1"), ids=str)
    def test_suite(check):
        check()
"""

from metarl_bench.testing.agents import agent_checks, check_agent
from metarl_bench.testing.conformance import Check, CheckFailed, ConformanceError
from metarl_bench.testing.references import random_return
from metarl_bench.testing.scripted import (
    CountingAgent,
    Script,
    ScriptedAgent,
    UntrainedAgent,
    play_trials,
    random_script,
)
from metarl_bench.testing.suites import check_suite, suite_checks

__all__ = [
    "Check",
    "CheckFailed",
    "ConformanceError",
    "CountingAgent",
    "Script",
    "ScriptedAgent",
    "UntrainedAgent",
    "agent_checks",
    "check_agent",
    "check_suite",
    "play_trials",
    "random_return",
    "random_script",
    "suite_checks",
]
