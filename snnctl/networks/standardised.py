"""Convolutions whose weights are standardised, in place of a norm of what they give."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn


class StandardisedConv2d(nn.Conv2d):
    """Convolution with standardised weights: those of each output channel have mean 0 and, all together, variance g^2,

        W'_c = g_c (W_c - mean W_c) / sqrt(n var W_c + eps),   n weights a channel, var with n - 1

    Args:
        in_channels, out_channels, kernel_size, options: as of torch.nn.Conv2d.
        gain: learn g, which starts at 1; else it is 1.
        eps: below the root, above 0.

    Source: A. Brock, S. De, S. L. Smith, "Characterizing signal propagation to close the performance gap in
    unnormalized ResNets", ICLR 2021, arXiv:2101.08692; S. Qiao et al., "Micro-batch training with batch-channel
    normalization and weight standardization", 2019, arXiv:1903.10520.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        gain: bool = True,
        eps: float = 1e-4,
        **options: Any,
    ):
        super().__init__(in_channels, out_channels, kernel_size, **options)
        self.gain = nn.Parameter(torch.ones(out_channels, 1, 1, 1)) if gain else None
        self.eps = eps

    def standardised(self) -> Tensor:
        """W', of the shape of the weights."""
        var, mean = torch.var_mean(self.weight, (1, 2, 3), keepdim=True)
        w = (self.weight - mean) / (var * self.weight[0].numel() + self.eps).sqrt()
        return w if self.gain is None else w * self.gain

    def plain(self) -> nn.Conv2d:
        """The layer of torch with the standardised weights; its operations are counted by it."""
        layer = copy.deepcopy(self)
        layer.__class__ = nn.Conv2d
        layer.gain, layer.weight = None, nn.Parameter(self.standardised().detach())
        return layer

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C', H', W')."""
        return self._conv_forward(x, self.standardised(), self.bias)
