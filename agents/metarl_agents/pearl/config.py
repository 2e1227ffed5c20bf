"""Settings of PEARL."""

from __future__ import annotations

from dataclasses import dataclass

from metarl_agents.common.config import OffPolicyConfig, Positive


@dataclass(frozen=True, kw_only=True)
class PearlConfig(OffPolicyConfig):
    """As the shared defaults.

    Attributes:
        kl_weight: Of the posterior's divergence from the prior, summed over the latent, mean over the tasks.
    """

    kl_weight: Positive = 0.1
