"""Fast-sigmoid surrogate, the one of SuperSpike."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from snnctl.surrogates.surrogate import Surrogate


@dataclass(frozen=True)
class FastSigmoid(Surrogate):
    """ds/dx = 1 / (1 + slope |x|)^2, the derivative of x / (1 + slope |x|) + 1/2.

    The peak is 1 whatever the slope. snnTorch's fast_sigmoid is slope = 25; what Norse's `super` and SpikingJelly's
    SuperSpike compute is slope = 1.

    Args:
        slope: sharpness, 1 / unit of v, > 0; the derivative is 1/4 at |x| = 1 / slope.

    Source: F. Zenke, S. Ganguli, "SuperSpike: Supervised learning in multilayer spiking neural networks",
    Neural Computation 30 (2018), doi:10.1162/neco_a_01086.
    """

    slope: float = 25.0

    def derivative(self, x: Tensor) -> Tensor:
        y = x.abs() * self.slope + 1
        return (y * y).reciprocal()

    def primitive(self, x: Tensor) -> Tensor:
        return x / (x.abs() * self.slope + 1) + 0.5
