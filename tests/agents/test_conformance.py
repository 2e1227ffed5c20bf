"""Every registered agent keeps to the contract."""

import pytest

from metarl_bench.registry import AGENTS
from metarl_bench.testing import Check, agent_checks

# Small enough for several iterations in a segment.
ON_POLICY = {"num_worlds": 8, "steps": 40, "sequence": 20}
TRANSFORMER = {"num_worlds": 8, "steps": 40, "sequence": 40}
OFF_POLICY = {"num_tasks": 6, "steps_per_update": 40, "task_batch": 4}
GRADIENT = {"num_worlds": 4}
CONFIGS = {
    "e-maml": GRADIENT,
    "fo-maml": GRADIENT,
    "maml": GRADIENT,
    "meta-sgd": GRADIENT,
    "promp": GRADIENT,
    "reptile": GRADIENT,
    "finetune-ppo": ON_POLICY,
    "metric": OFF_POLICY,
    "multitask-ppo": ON_POLICY,
    "oracle": ON_POLICY,
    "pearl": OFF_POLICY,
    "rl2": ON_POLICY,
    "rl2-transformer": TRANSFORMER,
    "sb3-ppo": {"num_worlds": 8, "steps": 40, "batch": 80, "epochs": 4},
    "sb3-sac": {"num_worlds": 8, "batch": 32, "buffer": 1200, "hidden": 32},
    # Few trials, so that the buffer runs full; and all that can be predicted.
    "varibad": ON_POLICY | {"buffer_trials": 10, "state_weight": 1.0},
}

CHECKS = [
    pytest.param(check, id=f"{spec.id}-{check}")
    for spec in AGENTS.all()
    for check in agent_checks(spec.id, suite="toy/point-robot-v1", steps=1000, config=CONFIGS.get(spec.id))
]


@pytest.mark.parametrize("check", CHECKS)
def test_agent(check: Check) -> None:
    check()
