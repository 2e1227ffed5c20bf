"""Toy suites: tests that run in milliseconds and have a known optimum. Never ranked."""

from metarl_suites.toy.specs import POINT_ROBOT, SPARSE_POINT_ROBOT

SPECS = (POINT_ROBOT, SPARSE_POINT_ROBOT)
