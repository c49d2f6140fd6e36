"""Fast-sigmoid surrogate, the one of SuperSpike, and its sparse form."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from snnctl.surrogates.ranges import one_of, ranged
from snnctl.surrogates.surrogate import Surrogate


@dataclass(frozen=True)
class FastSigmoid(Surrogate):
    """ds/dx = scale / (1 + slope |x|)^2, the derivative of scale x / (1 + slope |x|) + 1/2.

    The peak is `scale` whatever the slope. snnTorch's fast_sigmoid is slope = 25; what Norse's `super` computes is
    slope = 1, SpikingJelly's SuperSpike(alpha) slope = 1, scale = alpha, and its SoftSign(alpha) slope = alpha,
    scale = alpha / 2.

    Args:
        slope: sharpness, 1 / unit of v, > 0; a quarter of the peak is left at |x| = 1 / slope.
        scale: the peak, 1 / unit of v, > 0.

    Source: F. Zenke, S. Ganguli, "SuperSpike: Supervised learning in multilayer spiking neural networks",
    Neural Computation 30 (2018), doi:10.1162/neco_a_01086.
    """

    slope: float = 25.0
    scale: float = 1.0

    def derivative(self, x: Tensor) -> Tensor:
        # The scale inside the square costs no operation.
        y = x.abs() * (self.slope / math.sqrt(self.scale)) + 1 / math.sqrt(self.scale)
        return (y * y).reciprocal()

    def primitive(self, x: Tensor) -> Tensor:
        return self.scale * x / (x.abs() * self.slope + 1) + 0.5


@dataclass(frozen=True)
class SparseFastSigmoid(FastSigmoid):
    """ds/dx = scale / (1 + slope |x|)^2 for |x| < bound, 0 elsewhere: most neurons drop out of the backward pass.

    snnTorch's SFS has no gradient below `bound` instead of beyond it: where = "above".

    Args:
        slope: as of FastSigmoid.
        scale: as of FastSigmoid.
        bound: edge of the gradient, unit of v, > 0.
        where: "within" for |x| < bound, "above" for x > bound.

    Source: N. Perez-Nieves, D. F. M. Goodman, "Sparse spiking gradient descent", NeurIPS 2021, arXiv:2105.08810.
    """

    bound: float = 1.0
    where: Literal["within", "above"] = ranged("within", one_of("within", "above"))

    def derivative(self, x: Tensor) -> Tensor:
        alive = x.abs() < self.bound if self.where == "within" else x > self.bound
        return super().derivative(x) * alive.to(x.dtype)

    def primitive(self, x: Tensor) -> Tensor:
        if self.where == "within":
            return super().primitive(x.clamp(-self.bound, self.bound))
        silent = self.scale * self.bound / (self.bound * self.slope + 1)
        return super().primitive(x.clamp(min=self.bound)) - silent
