"""Navigation: a car that must adapt to weather, to itself, to cities and to traffic."""

from metarl_suites.navigation.specs import SPECS

__all__ = ["SPECS"]
