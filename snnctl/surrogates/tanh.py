"""Hyperbolic-tangent surrogate, and the same over a bounded support."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from snnctl.surrogates.surrogate import Surrogate


@dataclass(frozen=True)
class Tanh(Surrogate):
    """ds/dx = 1 - tanh(slope x)^2, the derivative of tanh(slope x) / slope + 1/2.

    The peak is 1 whatever the slope. Norse's `tanh` and `logistic_fn`, whose alpha (100 in its neurons) is the slope.

    Args:
        slope: sharpness, 1 / unit of v, > 0; 0.42 is left at |x| = 1 / slope.

    Source: as a logistic function of height 2 / slope: F. Zenke, T. P. Vogels, Neural Computation 33 (2021),
    doi:10.1162/neco_a_01367; C. Pehle, J. E. Pedersen, "Norse: A deep learning library for spiking neural networks",
    2021, doi:10.5281/zenodo.4422025.
    """

    slope: float = 1.0

    def derivative(self, x: Tensor) -> Tensor:
        y = torch.tanh(x * self.slope)
        return 1 - y * y

    def primitive(self, x: Tensor) -> Tensor:
        return torch.tanh(x * self.slope) / self.slope + 0.5


@dataclass(frozen=True)
class DSpike(Surrogate):
    """ds/dx = alpha (1 - tanh(alpha x)^2) / (2 tanh(alpha / 2)) for |x| <= 1/2, 0 beyond.

    The derivative of tanh(alpha x) / (2 tanh(alpha / 2)) + 1/2, which rises from 0 to 1 over one unit of v: a straight
    ramp for small alpha, the spike itself for large ones. SpikingJelly's DSpike is alpha = 3.

    Args:
        alpha: sharpness ("temperature"), 1 / unit of v, > 0.

    Source: Y. Li et al., "Differentiable Spike: Rethinking gradient-descent for training spiking neural networks",
    NeurIPS 2021, proceedings.neurips.cc/paper/2021/hash/c4ca4238a0b923820dcc509a6f75849b-Abstract.html.
    """

    alpha: float = 3.0

    def derivative(self, x: Tensor) -> Tensor:
        y = torch.tanh(x * self.alpha)
        return (1 - y * y) * (self.alpha / (2 * math.tanh(self.alpha / 2))) * (x.abs() <= 0.5).to(x.dtype)

    def primitive(self, x: Tensor) -> Tensor:
        return torch.tanh(x.clamp(-0.5, 0.5) * self.alpha) / (2 * math.tanh(self.alpha / 2)) + 0.5
