"""A linear layer over time by products of our own: behind neurons that spike, most of its input costs nothing."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from snnctl.kernels.backend import multiplies

LITTLE = 1 << 18  # multiplications below which a product in torch is as soon done


class KernelLinear(NamedTuple):
    """y = W x + b, as `snnctl.kernels.linear.linear` computes it.

    Args:
        linear: its weight and bias are used, not copied. spikes: whether it gets spikes.
    """

    linear: nn.Linear
    spikes: bool

    def __call__(self, x: Tensor) -> Tensor:
        """(M, K) to (M, features)."""
        from snnctl.kernels.linear import linear  # imports Numba, which a network without kernels does without

        return linear(x, self.linear.weight, self.linear.bias, self.spikes)


def pays(x: Tensor, linear: nn.Linear, spikes: bool) -> bool:
    """Whether the kernel runs on x (..., K) with these weights, and saves time."""
    if x.dtype != torch.float32 or x.device.type != "cpu" or torch.is_autocast_enabled("cpu"):
        return False
    if not multiplies(linear.weight) or x.numel() * linear.out_features < LITTLE:
        return False
    if spikes:
        return True
    from snnctl.kernels.linear import outruns_torch

    return outruns_torch()
