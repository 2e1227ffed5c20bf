"""RL2 with a causal transformer over the trial as its memory (Melo 2022, arXiv:2206.06614)."""

from metarl_bench.agents import AgentSpec

RL2_TRANSFORMER = AgentSpec(
    id="rl2-transformer",
    kind="memory",
    summary="transformer policy over the whole trial, trained by PPO",
    factory="metarl_agents.rl2_transformer.agent:Rl2Transformer",
    config="metarl_agents.rl2_transformer.config:Rl2TransformerConfig",
    bibtex="melo2022transformers",
)
