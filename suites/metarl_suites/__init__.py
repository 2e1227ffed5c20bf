"""The task families of metarl-bench; ``SPECS`` is what the entry point names."""

from metarl_suites import locomotion, toy

SPECS = (*locomotion.SPECS, *toy.SPECS)
