"""What several agents share and no algorithm owns: rollouts, networks, normalisers, PPO, safe files."""
