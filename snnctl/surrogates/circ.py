"""Circular surrogate."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from snnctl.surrogates.surrogate import Surrogate


@dataclass(frozen=True)
class Circ(Surrogate):
    """ds/dx = 1 / (1 + (x / width)^2)^(3/2), the derivative of x / sqrt(1 + (x / width)^2) + 1/2.

    The peak is 1 whatever the width. Norse's `circ` and `circ_dist_fn`, whose alpha (100 in its neurons) is the width.

    Args:
        width: distance from threshold at which 0.35 is left, unit of v, > 0.

    Source: C. Pehle, J. E. Pedersen, "Norse: A deep learning library for spiking neural networks", 2021,
    doi:10.5281/zenodo.4422025.
    """

    width: float = 1.0

    def derivative(self, x: Tensor) -> Tensor:
        y = x * x * (1 / self.width**2) + 1
        return (y * y.sqrt()).reciprocal()

    def primitive(self, x: Tensor) -> Tensor:
        return x / (x * x / self.width**2 + 1).sqrt() + 0.5
