"""RL2: a recurrent policy that learns to learn over whole trials (Duan et al. 2016, arXiv:1611.02779)."""

from metarl_bench.agents import AgentSpec

RL2 = AgentSpec(
    id="rl2",
    kind="memory",
    summary="GRU policy over the whole trial, trained by PPO",
    factory="metarl_agents.rl2.agent:Rl2",
    config="metarl_agents.rl2.config:Rl2Config",
    bibtex="duan2016rl2",
)
