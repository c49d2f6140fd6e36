"""Triangular (piecewise linear) surrogate."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from snnctl.surrogates.surrogate import Surrogate


@dataclass(frozen=True)
class Triangle(Surrogate):
    """ds/dx = scale max(0, 1 - |x| / width), the derivative of a piecewise parabola.

    No gradient at all further than `width` from threshold. Norse's `triangle` is scale = its alpha, width = 1;
    SpikingJelly's PiecewiseQuadratic(1) is scale = 1, width = 1; the e-prop paper takes scale = 0.3, width = threshold.

    Args:
        width: half of the base, unit of v, > 0.
        scale: the peak, 1 / unit of v, > 0.

    Source: G. Bellec et al., "A solution to the learning dilemma for recurrent networks of spiking neurons",
    Nature Communications 11 (2020), doi:10.1038/s41467-020-17236-y.
    """

    width: float = 1.0
    scale: float = 1.0

    def derivative(self, x: Tensor) -> Tensor:
        return (self.scale - x.abs() * (self.scale / self.width)).clamp(min=0)

    def primitive(self, x: Tensor) -> Tensor:
        x = x.clamp(-self.width, self.width)
        return self.scale * (x - x * x.abs() / (2 * self.width)) + 0.5
