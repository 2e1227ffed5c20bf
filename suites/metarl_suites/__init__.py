"""The task families of metarl-bench; ``SPECS`` is what the entry point names."""

from metarl_suites import locomotion, terrain, toy

SPECS = (*locomotion.SPECS, *terrain.SPECS, *toy.SPECS)
