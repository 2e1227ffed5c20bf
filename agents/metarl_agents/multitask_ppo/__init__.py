"""Multi-task PPO: one memoryless policy for all tasks; what no adaptation can do."""

from metarl_bench.agents import AgentSpec

MULTITASK_PPO = AgentSpec(
    id="multitask-ppo",
    kind="reference",
    summary="one memoryless PPO policy for all tasks",
    factory="metarl_agents.multitask_ppo.agent:MultitaskPpo",
    config="metarl_agents.multitask_ppo.config:MultitaskPpoConfig",
    bibtex="schulman2017ppo",
)
