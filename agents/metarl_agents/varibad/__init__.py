"""VariBAD: a policy that sees its belief about the task (Zintgraf et al. 2020, arXiv:1910.08348)."""

from metarl_bench.agents import AgentSpec

VARIBAD = AgentSpec(
    id="varibad",
    kind="context",
    summary="PPO on the observation and a learned belief about the task",
    factory="metarl_agents.varibad.agent:VariBad",
    config="metarl_agents.varibad.config:VariBadConfig",
    bibtex="zintgraf2020varibad",
)
