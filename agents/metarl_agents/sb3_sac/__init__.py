"""SAC of stable-baselines3: a memoryless reference, and a learner from scratch (Haarnoja et al. 2018, 1812.05905)."""

from metarl_bench.agents import AgentSpec

SB3_SAC = AgentSpec(
    id="sb3-sac",
    kind="reference",
    summary="stable-baselines3 SAC, memoryless",
    factory="metarl_agents.sb3_sac.agent:Sb3Sac",
    config="metarl_agents.sb3_sac.config:Sb3SacConfig",
    bibtex="haarnoja2018sac",
)
