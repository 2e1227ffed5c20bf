"""Meta-SGD: the inner learning rates are learned, one for each weight (Li et al. 2017, arXiv:1707.09835)."""

from metarl_bench.agents import AgentSpec

META_SGD = AgentSpec(
    id="meta-sgd",
    kind="optimisation",
    summary="MAML that learns the inner learning rate of every weight, too",
    factory="metarl_agents.meta_sgd.agent:MetaSgd",
    config="metarl_agents.meta_sgd.config:MetaSgdConfig",
    bibtex="li2017metasgd",
)
