"""Where several layers of a graph come together."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Add(nn.Module):
    """y = x_1 + x_2 + ...: the currents, or spikes, of several layers of one shape."""

    def forward(self, *xs: Tensor) -> Tensor:
        """(B, ...) each -> (B, ...)."""
        y = xs[0]
        for x in xs[1:]:
            y = y + x
        return y


class Concatenate(nn.Module):
    """y = [x_1, x_2, ...] along the channels: layers whose other sizes are the same."""

    def forward(self, *xs: Tensor) -> Tensor:
        """(B, C_i, ...) each -> (B, C_1 + C_2 + ..., ...)."""
        return torch.cat(xs, 1)
