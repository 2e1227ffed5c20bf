"""Fine-tuned PPO: the memoryless policy of all tasks, trained on in the trial by the same PPO."""

from metarl_bench.agents import AgentSpec

FINETUNE_PPO = AgentSpec(
    id="finetune-ppo",
    kind="reference",
    summary="multitask-ppo, fine-tuned by PPO on each trial's own episodes",
    factory="metarl_agents.finetune_ppo.agent:FinetunePpo",
    config="metarl_agents.finetune_ppo.config:FinetunePpoConfig",
    bibtex="schulman2017ppo",
)
