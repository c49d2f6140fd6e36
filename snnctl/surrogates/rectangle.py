"""Rectangular surrogate."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from snnctl.surrogates.ranges import ANY, FLAG, ranged
from snnctl.surrogates.surrogate import Surrogate


@dataclass(frozen=True)
class Rectangle(Surrogate):
    """ds/dx = scale / (2 width) for |x - center| < width, `outside` elsewhere: a ramp, with a leak beyond its ends.

    SpikingJelly's Rect(alpha) is width = 1 / (2 alpha), its PiecewiseLeakyReLU(w, c) is width = w, outside = c, and its
    MultiLevelSpikeCount(D), which fires from half of the threshold on, width = D / 2, scale = D, center = (D - 1) / 2,
    closed, for a neuron with max_spikes = D, rounding = "nearest", surrogate_at = "first".

    Args:
        width: half of the base, unit of v, > 0.
        scale: area under the rectangle, > 0.
        outside: slope beyond it, 1 / unit of v.
        center: where its middle lies beside threshold, unit of v.
        closed: the edges belong to it.

    Source: Y. Wu, L. Deng, G. Li, J. Zhu, L. Shi, "Spatio-temporal backpropagation for training high-performance
    spiking neural networks", Frontiers in Neuroscience 12 (2018), doi:10.3389/fnins.2018.00331; the leak: S. Yin et
    al., "Algorithm and hardware design of discrete-time spiking neural networks based on back propagation with binary
    activations", BioCAS 2017, doi:10.1109/BIOCAS.2017.8325230.
    """

    width: float = 0.5
    scale: float = 1.0
    outside: float = ranged(0.0, ANY)
    center: float = ranged(0.0, ANY)
    closed: bool = ranged(False, FLAG)

    def derivative(self, x: Tensor) -> Tensor:
        distance = (x - self.center if self.center else x).abs()
        inside = distance <= self.width if self.closed else distance < self.width
        height = torch.full_like(x, self.scale / (2 * self.width))
        return torch.where(inside, height, torch.full_like(x, self.outside))

    def primitive(self, x: Tensor) -> Tensor:
        return self._ramp(x) - self._ramp(torch.zeros_like(x)) + 0.5

    def _ramp(self, x: Tensor) -> Tensor:
        x = x - self.center
        inside = x.clamp(-self.width, self.width)
        return inside * (self.scale / (2 * self.width)) + self.outside * (x - inside)
