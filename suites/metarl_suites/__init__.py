"""The task families of metarl-bench; ``SPECS`` is what the entry point names."""

from metarl_suites import locomotion, manipulation, terrain, toy

SPECS = (*locomotion.SPECS, *manipulation.SPECS, *terrain.SPECS, *toy.SPECS)
