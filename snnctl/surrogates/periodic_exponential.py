"""Exponential surrogate with a peak at every multiple of the threshold."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from snnctl.surrogates.surrogate import Surrogate


@dataclass(frozen=True)
class PeriodicExponential(Surrogate):
    """ds/dx = scale exp(-d / width): d = -x below threshold, narrowing |x - the nearest multiple of period| above it.

    For a neuron that fires several times a step and whose surrogate acts on v - threshold. Sinabs' PeriodicExponential
    is narrowing = 2 (it counts the distance twice), Rockpool's narrowing = 1; period is their threshold.

    Args:
        width: distance over which it falls by e below threshold, unit of v, > 0.
        scale: the peaks, 1 / unit of v, > 0.
        period: distance of the peaks, unit of v, > 0.
        narrowing: how many times faster it falls above threshold, > 0.

    Source: P. Weidel, S. Sheik, "WaveSense: Efficient temporal convolutions with spiking neural networks for keyword
    spotting", arXiv:2111.01456.
    """

    width: float = 0.5
    scale: float = 1.0
    period: float = 1.0
    narrowing: float = 1.0

    def derivative(self, x: Tensor) -> Tensor:
        distance = torch.where(x < 0, -x, (x - self._nearest(x) * self.period).abs() * self.narrowing)
        return torch.exp(distance * (-1 / self.width)) * self.scale

    def primitive(self, x: Tensor) -> Tensor:
        above, below = x.clamp(min=0), x.clamp(max=0)
        n, narrow = self._nearest(above), self.width / self.narrowing
        beside = above - n * self.period
        peak = narrow * (1 - math.exp(-self.period / (2 * narrow)))  # area of half of one
        rest = torch.sign(beside) * narrow * (1 - torch.exp(-beside.abs() / narrow))
        return self.scale * (2 * n * peak + rest + self.width * torch.expm1(below / self.width)) + 0.5

    def _nearest(self, x: Tensor) -> Tensor:
        return torch.floor(x * (1 / self.period) + 0.5).detach()
