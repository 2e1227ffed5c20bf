"""Oracle: RL2's network with the task parameters as an input; the privileged reference."""

from metarl_bench.agents import AgentSpec

ORACLE = AgentSpec(
    id="oracle",
    kind="reference",
    summary="RL2 that is told the task parameters",
    factory="metarl_agents.oracle.agent:Oracle",
    config="metarl_agents.oracle.config:OracleConfig",
    division="privileged",
)
