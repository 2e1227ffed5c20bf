"""First-order MAML: the outer step does not differentiate through the inner one's gradient (Finn et al. 2017)."""

from metarl_bench.agents import AgentSpec

FO_MAML = AgentSpec(
    id="fo-maml",
    kind="optimisation",
    summary="MAML that takes the inner step's gradient for a constant",
    factory="metarl_agents.fo_maml.agent:FoMaml",
    config="metarl_agents.fo_maml.config:FoMamlConfig",
    bibtex="finn2017model",
)
