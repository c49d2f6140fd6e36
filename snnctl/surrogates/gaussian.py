"""Gaussian surrogate, and the sum of three with negative flanks."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from snnctl.surrogates.ranges import ANY, from_, ranged
from snnctl.surrogates.surrogate import Surrogate


def _bell(x: Tensor, center: float, sigma: float, height: float) -> Tensor:
    x = x - center if center else x
    return torch.exp(x * x * (-1 / (2 * sigma**2))) * (height / (sigma * math.sqrt(2 * math.pi)))


def _below(x: Tensor, center: float, sigma: float) -> Tensor:
    """Area under the bell of height 1 from 0 to x."""
    unit = sigma * math.sqrt(2)
    return (torch.erf((x - center) / unit) + math.erf(center / unit)) / 2


@dataclass(frozen=True)
class Gaussian(Surrogate):
    """ds/dx = scale / (sigma sqrt(2 pi)) exp(-(x - center)^2 / (2 sigma^2)), the derivative of an error function.

    Sinabs' Gaussian is sigma = 0.5; SpikingJelly's Erf(alpha) is sigma = 1 / (alpha sqrt(2)), Norse's heavi_erfc the
    same times scale = 2 / alpha.

    Args:
        sigma: standard deviation, unit of v, > 0.
        scale: area under the curve, > 0.
        center: where the peak lies beside threshold, unit of v.

    Source: B. Yin, F. Corradi, S. M. Bohte, "Effective and efficient computation with multiple-timescale spiking
    recurrent neural networks", ICONS 2020, arXiv:2005.11633.
    """

    sigma: float = 0.5
    scale: float = 1.0
    center: float = ranged(0.0, ANY)

    def derivative(self, x: Tensor) -> Tensor:
        return _bell(x, self.center, self.sigma, self.scale)

    def primitive(self, x: Tensor) -> Tensor:
        return self.scale * _below(x, self.center, self.sigma) + 0.5


@dataclass(frozen=True)
class MultiGaussian(Surrogate):
    """ds/dx = scale ((1 + h) N(x; c, sigma) - h N(x; sigma, s sigma) - h N(x; -sigma, s sigma)).

    N(x; m, d) is the normal density of mean m and standard deviation d, c the center: a bell with negative flanks, a
    smooth form of the derivative of a swish. Sinabs' MultiGaussian.

    Args:
        sigma: standard deviation of the bell, and distance of the flanks' centers from threshold; unit of v, > 0.
        h: weight of the flanks, >= 0.
        s: how many times wider the flanks are, > 0.
        scale: multiplies all of it, > 0.
        center: where the bell lies beside threshold, unit of v; the flanks stay.

    Source: B. Yin, F. Corradi, S. M. Bohte, "Accurate and efficient time-domain classification with adaptive spiking
    recurrent neural networks", Nature Machine Intelligence 3 (2021), doi:10.1038/s42256-021-00397-w.
    """

    sigma: float = 0.5
    h: float = ranged(0.15, from_(0))
    s: float = 6.0
    scale: float = 1.0
    center: float = ranged(0.0, ANY)

    def derivative(self, x: Tensor) -> Tensor:
        wide, flank = self.s * self.sigma, self.scale * self.h
        flanks = _bell(x, self.sigma, wide, flank) + _bell(x, -self.sigma, wide, flank)
        return _bell(x, self.center, self.sigma, self.scale * (1 + self.h)) - flanks

    def primitive(self, x: Tensor) -> Tensor:
        wide = self.s * self.sigma
        flanks = _below(x, self.sigma, wide) + _below(x, -self.sigma, wide)
        return self.scale * ((1 + self.h) * _below(x, self.center, self.sigma) - self.h * flanks) + 0.5
