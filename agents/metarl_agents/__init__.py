"""The baseline agents of metarl-bench; ``SPECS`` is what the entry point names."""

from metarl_agents.random_policy import RANDOM

SPECS = (RANDOM,)
