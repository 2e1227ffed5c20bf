"""The baseline agents of metarl-bench; ``SPECS`` is what the entry point names."""

from metarl_agents.metric import METRIC
from metarl_agents.multitask_ppo import MULTITASK_PPO
from metarl_agents.oracle import ORACLE
from metarl_agents.pearl import PEARL
from metarl_agents.random_policy import RANDOM
from metarl_agents.rl2 import RL2
from metarl_agents.rl2_transformer import RL2_TRANSFORMER
from metarl_agents.varibad import VARIBAD

SPECS = (METRIC, MULTITASK_PPO, ORACLE, PEARL, RANDOM, RL2, RL2_TRANSFORMER, VARIBAD)
