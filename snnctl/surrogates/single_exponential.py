"""Two-sided exponential surrogate."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from snnctl.surrogates.surrogate import Surrogate


@dataclass(frozen=True)
class SingleExponential(Surrogate):
    """ds/dx = (scale / width) exp(-|x| / width), the derivative of scale sign(x) (1 - exp(-|x| / width)) + 1/2.

    The default of Sinabs (width = 0.5, scale = 1); SpikingJelly's PiecewiseExp(1) is width = 1, scale = 0.5.

    Args:
        width: distance over which it falls by e, unit of v, > 0.
        scale: height times width, > 0.

    Source: S. B. Shrestha, G. Orchard, "SLAYER: Spike layer error reassignment in time", NeurIPS 2018,
    arXiv:1810.08646.
    """

    width: float = 0.5
    scale: float = 1.0

    def derivative(self, x: Tensor) -> Tensor:
        return torch.exp(x.abs() * (-1 / self.width)) * (self.scale / self.width)

    def primitive(self, x: Tensor) -> Tensor:
        return torch.sign(x) * (1 - torch.exp(x.abs() * (-1 / self.width))) * self.scale + 0.5
