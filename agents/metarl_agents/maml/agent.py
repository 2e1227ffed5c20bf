"""MAML-TRPO: the outer step differentiates through the inner one."""

from __future__ import annotations

from metarl_agents.common.gradient.trpo import TrustRegionAgent


class Maml(TrustRegionAgent):
    """The plain form, with all second derivatives."""
