"""Any algorithm of stable-baselines3 as an agent; see the README beside this file."""
