"""Diagonal Gaussians, of which policies are made."""

from __future__ import annotations

import torch
from torch import Tensor


def kl_divergence(old_means: Tensor, old_log_std: Tensor, means: Tensor, log_std: Tensor) -> Tensor:
    """Returns the KL divergence of two diagonal Gaussians, old from new; the last axis is summed over."""
    variance = torch.exp(2 * log_std)
    spread = torch.exp(2 * old_log_std) + (old_means - means).square()
    return (log_std - old_log_std + spread / (2 * variance) - 0.5).sum(dim=-1)
