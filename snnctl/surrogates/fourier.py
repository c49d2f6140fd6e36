"""Surrogate from a Fourier series."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from snnctl.surrogates.ranges import COUNT, ranged
from snnctl.surrogates.surrogate import Surrogate


@dataclass(frozen=True)
class SquarewaveFourierSeries(Surrogate):
    """ds/dx = (4 / period) sum over k = 1 .. terms of cos((2 k - 1) w x), w = 2 pi / period.

    The derivative of the square wave's Fourier series, 1/2 + (2 / pi) sum of sin((2 k - 1) w x) / (2 k - 1): periodic,
    negative half of the time. SpikingJelly's SquarewaveFourierSeries(n, T_period) has terms = n - 1.

    Args:
        terms: how many of the series, 1 and above.
        period: of the square wave, unit of v, > 0; the gradient around threshold is period / 2 wide with one term.

    Source: W. Fang et al., "SpikingJelly: An open-source machine learning infrastructure platform for spike-based
    intelligence", Science Advances 9 (2023), doi:10.1126/sciadv.adi1480.
    """

    terms: int = ranged(1, COUNT)
    period: float = 8.0

    def derivative(self, x: Tensor) -> Tensor:
        waves = [torch.cos(x * frequency) for frequency in self._frequencies()]
        return sum(waves[1:], waves[0]) * (4 / self.period)

    def primitive(self, x: Tensor) -> Tensor:
        waves = [torch.sin(x * frequency) / frequency for frequency in self._frequencies()]
        return sum(waves[1:], waves[0]) * (4 / self.period) + 0.5

    def _frequencies(self) -> list[float]:
        return [(2 * k - 1) * 2 * math.pi / self.period for k in range(1, self.terms + 1)]
