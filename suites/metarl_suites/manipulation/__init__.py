"""Manipulation: Meta-World's robot arm, with goals that it must find out from its rewards."""

from metarl_suites.manipulation.specs import SPECS

__all__ = ["SPECS"]
