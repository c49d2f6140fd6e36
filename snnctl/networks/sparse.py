"""Connections of which most are missing, and those that are all alike."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from snnctl.errors import UserError


class SparseLinear(nn.Linear):
    """A linear layer in which a fixed random choice of synapses exists: y_i = sum_j M_ij W_ij x_j + b_i.

    M is drawn once, when the layer is built, from torch's generator (the run's seed); every neuron has the same number
    of inputs, density N rounded, at least one. What is missing stays 0 and learns nothing.

    Args:
        in_features: N; the network fills it in.
        out_features: neurons behind it.
        density: share of the synapses that exist, above 0 to 1.
        bias: learn b.

    Attributes:
        weight: W (out, in), 0 where M is. mask: M.

    Raises:
        UserError: density is out of range.

    Source: G. Bellec et al., "Deep rewiring: training very sparse deep networks", ICLR 2018, arXiv:1711.05136 (fixed
    connectivity).
    """

    def __init__(self, in_features: int, out_features: int, density: float = 0.1, bias: bool = True):
        super().__init__(in_features, out_features, bias)
        if not 0 < density <= 1:
            raise UserError(f"SparseLinear: density is {density!r}", "range          above 0 to 1 (share of synapses)")
        self.density = float(density)
        inputs = max(1, round(density * in_features))
        chosen = torch.rand(out_features, in_features).argsort(1) < inputs
        self.register_buffer("mask", chosen.to(self.weight.dtype))
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -(inputs**-0.5), inputs**-0.5)
        with torch.no_grad():
            self.weight.mul_(self.mask)

    def forward(self, x: Tensor) -> Tensor:
        """(B, N) -> (B, out)."""
        return F.linear(x, self.weight * self.mask, self.bias)

    def extra_repr(self) -> str:
        return f"{self.in_features} to {self.out_features}, density={self.density:g}"


class MeanField(nn.Module):
    """Every neuron gets the mean activity of the layer before: y_i = w_i / N sum_j x_j.

    The mean is over the neurons of a sample, never over samples.

    Args:
        out_features: neurons behind it.
        weight: value of all w at first.
        shared: one w for all neurons instead of one a neuron.
    """

    def __init__(self, out_features: int, weight: float = 1.0, shared: bool = True):
        super().__init__()
        self.out_features = out_features
        self.weight = nn.Parameter(torch.full((1 if shared else out_features,), float(weight)))

    def forward(self, x: Tensor) -> Tensor:
        """(B, ...) -> (B, out)."""
        return x.flatten(1).mean(1, keepdim=True) * self.weight.expand(self.out_features)

    def extra_repr(self) -> str:
        return f"{self.out_features}, shared={len(self.weight) == 1}"
