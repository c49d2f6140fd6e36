"""Two-sided exponential surrogate."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from snnctl.surrogates.ranges import ANY, ranged
from snnctl.surrogates.surrogate import Surrogate


@dataclass(frozen=True)
class SingleExponential(Surrogate):
    """ds/dx = (scale / width) exp(-|x - center| / width).

    It is the derivative of scale sign(x) (1 - exp(-|x| / width)) + 1/2 at center = 0. The default of Sinabs is
    width = 0.5, scale = 1 (its width counts in thresholds); SpikingJelly's PiecewiseExp(alpha) is width = 1 / alpha,
    scale = 0.5; snnTorch's spike_rate_escape(beta, slope) is width = 1 / beta, scale = slope / beta, center = 1: its
    gradient is largest one unit above threshold.

    Args:
        width: distance over which it falls by e, unit of v, > 0.
        scale: height times width, > 0.
        center: where the peak lies beside threshold, unit of v.

    Source: S. B. Shrestha, G. Orchard, "SLAYER: Spike layer error reassignment in time", NeurIPS 2018,
    arXiv:1810.08646; as an escape rate: W. Gerstner, W. M. Kistler, "Spiking Neuron Models", Cambridge University
    Press 2002, doi:10.1017/CBO9780511815706.
    """

    width: float = 0.5
    scale: float = 1.0
    center: float = ranged(0.0, ANY)

    def derivative(self, x: Tensor) -> Tensor:
        x = x - self.center if self.center else x
        return torch.exp(x.abs() * (-1 / self.width)) * (self.scale / self.width)

    def primitive(self, x: Tensor) -> Tensor:
        x = x - self.center if self.center else x
        start = math.copysign(1 - math.exp(-abs(self.center) / self.width), -self.center)
        return (torch.sign(x) * (1 - torch.exp(x.abs() * (-1 / self.width))) - start) * self.scale + 0.5
