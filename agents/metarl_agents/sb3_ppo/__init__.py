"""PPO of stable-baselines3: a memoryless reference, and a learner from scratch (Schulman et al. 2017, 1707.06347)."""

from metarl_bench.agents import AgentSpec

SB3_PPO = AgentSpec(
    id="sb3-ppo",
    kind="reference",
    summary="stable-baselines3 PPO, memoryless",
    factory="metarl_agents.sb3_ppo.agent:Sb3Ppo",
    config="metarl_agents.sb3_ppo.config:Sb3PpoConfig",
    bibtex="schulman2017ppo",
)
