"""Settings that all agents share that adapt by gradient steps."""

from __future__ import annotations

from dataclasses import dataclass

from metarl_agents.common.config import Count, Fraction, Positive


@dataclass(frozen=True, kw_only=True)
class GradientConfig:
    """A policy's initialisation, and the inner loop.

    Attributes:
        num_worlds: Episodes that are played at once; each task of an iteration gets as many as a trial of the meta-test
            has adaptation episodes, before its step and again after it.
        hidden: Units of each of the policy's two hidden layers.
        initial_log_std: Of the policy.
        inner_rate: Learning rate of the adaptation step.
        discount: Of the return, per environment step.
        decay: Lambda of the advantage estimates.
        learning_threads: Threads that torch learns with; part of the configuration since it can change sums.
    """

    num_worlds: Count = 200
    hidden: Count = 64
    initial_log_std: float = -0.5
    inner_rate: Positive = 1.0
    discount: Fraction = 0.99
    decay: Fraction = 1.0
    learning_threads: Count = 1


@dataclass(frozen=True, kw_only=True)
class TrustRegionConfig(GradientConfig):
    """The outer loop takes trust-region steps.

    Attributes:
        radius: Largest KL divergence of the adapted policies from those that acted, a mean over their steps.
        metric_stride: The second derivative of the divergence is estimated from every so many-th step.
    """

    radius: Positive = 0.02
    metric_stride: Count = 10


@dataclass(frozen=True, kw_only=True)
class AdamConfig(GradientConfig):
    """The outer loop takes steps of Adam.

    Attributes:
        learning_rate: Of the initialisation.
    """

    learning_rate: Positive = 1e-3
