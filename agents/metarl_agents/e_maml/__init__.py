"""E-MAML: what is done before the inner step is credited for what comes after it (Stadie et al. 2018)."""

from metarl_bench.agents import AgentSpec

E_MAML = AgentSpec(
    id="e-maml",
    kind="optimisation",
    summary="MAML whose exploration is credited for what is reached after the step",
    factory="metarl_agents.e_maml.agent:EMaml",
    config="metarl_agents.e_maml.config:EMamlConfig",
    bibtex="stadie2018importance",
)
