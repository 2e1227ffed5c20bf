"""The baseline agents of metarl-bench; ``SPECS`` is what the entry point names."""

from metarl_agents.e_maml import E_MAML
from metarl_agents.finetune_ppo import FINETUNE_PPO
from metarl_agents.fo_maml import FO_MAML
from metarl_agents.maml import MAML
from metarl_agents.meta_sgd import META_SGD
from metarl_agents.metric import METRIC
from metarl_agents.multitask_ppo import MULTITASK_PPO
from metarl_agents.oracle import ORACLE
from metarl_agents.pearl import PEARL
from metarl_agents.promp import PROMP
from metarl_agents.random_policy import RANDOM
from metarl_agents.reptile import REPTILE
from metarl_agents.rl2 import RL2
from metarl_agents.rl2_transformer import RL2_TRANSFORMER
from metarl_agents.sb3_ppo import SB3_PPO
from metarl_agents.sb3_sac import SB3_SAC
from metarl_agents.varibad import VARIBAD

SPECS = (
    E_MAML,
    FINETUNE_PPO,
    FO_MAML,
    MAML,
    META_SGD,
    METRIC,
    MULTITASK_PPO,
    ORACLE,
    PEARL,
    PROMP,
    RANDOM,
    REPTILE,
    RL2,
    RL2_TRANSFORMER,
    SB3_PPO,
    SB3_SAC,
    VARIBAD,
)
