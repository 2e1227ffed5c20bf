"""The task families of metarl-bench; ``SPECS`` is what the entry point names."""

from metarl_suites import locomotion, manipulation, navigation, terrain, toy

SPECS = (*locomotion.SPECS, *manipulation.SPECS, *navigation.SPECS, *terrain.SPECS, *toy.SPECS)
