"""A learned task similarity decides what transfers (metric loss as in FOCAL, Li et al. 2021, arXiv:2010.01112)."""

from metarl_bench.agents import AgentSpec

METRIC = AgentSpec(
    id="metric",
    kind="metric",
    summary="SAC on an embedding of the task, drawn towards similar training tasks",
    factory="metarl_agents.metric.agent:Metric",
    config="metarl_agents.metric.config:MetricConfig",
    bibtex="li2021focal",
)
