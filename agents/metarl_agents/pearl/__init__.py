"""PEARL: off-policy learning with a probabilistic context (Rakelly et al. 2019, arXiv:1903.08254)."""

from metarl_bench.agents import AgentSpec

PEARL = AgentSpec(
    id="pearl",
    kind="context",
    summary="SAC on a sampled latent of the task, a product of Gaussians",
    factory="metarl_agents.pearl.agent:Pearl",
    config="metarl_agents.pearl.config:PearlConfig",
    bibtex="rakelly2019efficient",
)
