"""First-order MAML: the outer gradient is taken at the adapted weights, and applied to the initialisation."""

from __future__ import annotations

from typing import ClassVar

from metarl_agents.common.gradient.trpo import TrustRegionAgent


class FoMaml(TrustRegionAgent):
    """MAML without second derivatives."""

    differentiable: ClassVar[bool] = False
