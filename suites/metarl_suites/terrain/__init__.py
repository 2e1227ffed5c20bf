"""Terrains: legged robots on ground that they have never met, blind or with a height scan."""

from metarl_suites.terrain.specs import SPECS

__all__ = ["SPECS"]
