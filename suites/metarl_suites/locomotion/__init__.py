"""Locomotion: legged robots that must find out what the ground, the body or the goal is."""

from metarl_suites.locomotion.specs import SPECS

__all__ = ["SPECS"]
