"""Conformance checks for suites and agents, and simple agents for tests."""

from metarl_bench.testing.references import random_return

__all__ = ["random_return"]
