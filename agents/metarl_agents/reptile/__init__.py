"""Reptile: the initialisation moves towards each task's adapted weights (Nichol et al. 2018, arXiv:1803.02999)."""

from metarl_bench.agents import AgentSpec

REPTILE = AgentSpec(
    id="reptile",
    kind="optimisation",
    summary="an initialisation that moves towards what two policy gradient steps reach",
    factory="metarl_agents.reptile.agent:Reptile",
    config="metarl_agents.reptile.config:ReptileConfig",
    bibtex="nichol2018reptile",
)
