"""Arctangent surrogate."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from snnctl.surrogates.surrogate import Surrogate


@dataclass(frozen=True)
class ATan(Surrogate):
    r"""ds/dx = (alpha / 2) / (1 + (pi alpha x / 2)^2), the derivative of arctan(pi alpha x / 2) / pi + 1/2.

    Heavy tails: neurons far from threshold still learn. The default of snnTorch (alpha = 2).

    Args:
        alpha: sharpness, 1 / unit of v, > 0; the peak is alpha / 2.

    Source: W. Fang et al., "Incorporating learnable membrane time constant to enhance learning of spiking neural
    networks", ICCV 2021, doi:10.1109/ICCV48922.2021.00266.
    """

    alpha: float = 2.0

    def derivative(self, x: Tensor) -> Tensor:
        # The fraction multiplied out by 2 / alpha: one division and one multiplication less a step.
        return (x * x * (math.pi**2 * self.alpha / 2) + 2 / self.alpha).reciprocal()

    def primitive(self, x: Tensor) -> Tensor:
        return torch.atan(x * (math.pi * self.alpha / 2)) / math.pi + 0.5
