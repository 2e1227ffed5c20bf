"""MAML: an initialisation from which one policy gradient step adapts (Finn et al. 2017, arXiv:1703.03400)."""

from metarl_bench.agents import AgentSpec

MAML = AgentSpec(
    id="maml",
    kind="optimisation",
    summary="an initialisation for one policy gradient step, learned by TRPO through it",
    factory="metarl_agents.maml.agent:Maml",
    config="metarl_agents.maml.config:MamlConfig",
    bibtex="finn2017model",
)
