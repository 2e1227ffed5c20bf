"""Agents that adapt by gradient steps: a learned initialisation, an inner loop and an outer loop."""
