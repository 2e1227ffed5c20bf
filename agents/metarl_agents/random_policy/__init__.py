"""Uniformly random actions: the lower reference of every score, and the template for new agents."""

from metarl_bench.agents import AgentSpec

RANDOM = AgentSpec(
    id="random",
    kind="reference",
    summary="uniformly random actions; learns nothing",
    factory="metarl_agents.random_policy.agent:RandomAgent",
    config="metarl_agents.random_policy.config:RandomConfig",
)
