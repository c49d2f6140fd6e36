"""Logistic surrogate."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from snnctl.surrogates.ranges import ANY, ranged
from snnctl.surrogates.surrogate import Surrogate


@dataclass(frozen=True)
class Sigmoid(Surrogate):
    """ds/dx = slope y (1 - y) with y = 1 / (1 + exp(-slope (x - center))), the derivative of y.

    SpikingJelly's default is slope = 4, snnTorch's sigmoid is slope = 25; Rockpool's is slope = 2, center = -1.

    Args:
        slope: sharpness, 1 / unit of v, > 0; the peak is slope / 4.
        center: where the peak lies beside threshold, unit of v.

    Source: F. Zenke, T. P. Vogels, "The remarkable robustness of surrogate gradient learning for instilling complex
    function in spiking neural networks", Neural Computation 33 (2021), doi:10.1162/neco_a_01367.
    """

    slope: float = 4.0
    center: float = ranged(0.0, ANY)

    def derivative(self, x: Tensor) -> Tensor:
        y = self._logistic(x)
        return y * (1 - y) * self.slope

    def primitive(self, x: Tensor) -> Tensor:
        y = self._logistic(x)
        return y + (math.tanh(self.slope * self.center / 2) / 2) if self.center else y

    def _logistic(self, x: Tensor) -> Tensor:
        return torch.sigmoid((x - self.center if self.center else x) * self.slope)
