"""ProMP: proximal meta-policy search (Rothfuss et al. 2019, arXiv:1810.06784)."""

from metarl_bench.agents import AgentSpec

PROMP = AgentSpec(
    id="promp",
    kind="optimisation",
    summary="MAML with PPO as outer loop, and a low-variance gradient through the inner step",
    factory="metarl_agents.promp.agent:Promp",
    config="metarl_agents.promp.config:PrompConfig",
    bibtex="rothfuss2019promp",
)
