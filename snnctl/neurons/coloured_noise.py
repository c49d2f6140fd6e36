"""Coloured noise: random numbers with a memory, added to what passes."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from snnctl.errors import number
from snnctl.neurons.sequence import precision


class ColouredNoiseState(NamedTuple):
    """Nothing is kept between two sequences."""


class ColouredNoise(nn.Module):
    """out = x + sigma n while training, where the power spectrum of n over time falls as 1 / f^exponent:

        n[t] = inverse Fourier transform of (a_f + j b_f) f^(-exponent / 2), a and b normal, scaled

    0 is white, 1 pink, 2 brown noise. Put it before neurons (noise on their current) or after (on their spikes). One
    draw a sequence from torch's generator, each sample and neuron its own; outside of training x passes as it is.

    Args:
        sigma: standard deviation, unit of x, >= 0.
        exponent: of the spectrum, 0 to 4; lowest frequencies are as strong as one period a sequence.

    Raises:
        UserError: a value out of range.

    Source: J. Timmer, M. König, "On generating power law noise", Astronomy and Astrophysics 300 (1995), 707; N. J.
    Kasdin, "Discrete simulation of colored noise", Proceedings of the IEEE 83 (1995), doi:10.1109/5.381848.
    """

    temporal = True
    spiking = False
    State = ColouredNoiseState

    def __init__(self, *, sigma: float = 0.1, exponent: float = 1.0):
        super().__init__()
        self.sigma = number("ColouredNoise: sigma is", sigma, "unit of x", 0.0)
        self.exponent = number("ColouredNoise: exponent is", exponent, "no unit", 0.0, 4.0)

    def forward(
        self, x: Tensor, state: ColouredNoiseState | None = None, *, dt: float
    ) -> tuple[Tensor, ColouredNoiseState]:
        """x (T, B, ...) with noise, in x's dtype; dt plays no part."""
        if not self.training or not self.sigma:
            return x, ColouredNoiseState()
        size = (2, len(x) // 2 + 1, *x.shape[1:])
        noise = coloured(torch.randn(size, device=x.device, dtype=precision(x)), len(x), self.exponent)
        return (x + self.sigma * noise).to(x.dtype), ColouredNoiseState()

    def extra_repr(self) -> str:
        return f"sigma={self.sigma:g}, exponent={self.exponent:g}"


def coloured(normal: Tensor, steps: int, exponent: float) -> Tensor:
    """White to coloured noise.

    Args:
        normal: standard normal numbers (2, steps // 2 + 1, ...), of cosines and sines at each frequency.
        steps: T.
        exponent: of the power spectrum.

    Returns:
        (T, ...): of variance 1 about the mean of the sequence, which is drawn too, as of period T; 0 for T = 1.
    """
    if steps < 2:
        return normal.new_zeros(steps, *normal.shape[2:])
    frequencies = torch.fft.rfftfreq(steps, device=normal.device, dtype=normal.dtype).clamp(min=1 / steps)
    size = frequencies ** (-exponent / 2)
    weights = size[1:].clone()
    weights[-1] *= (1 + steps % 2) / 2  # at the highest frequency an even number of steps has no sine
    spread = 2 * weights.square().sum().sqrt() / steps
    cosines, sines = normal * size.view(-1, *(1 for _ in normal.shape[2:]))
    root = math.sqrt(2)
    cosines = torch.cat([cosines[:1] * root, cosines[1:]])
    sines = torch.cat([sines[:1] * 0, sines[1:]])
    if steps % 2 == 0:
        cosines = torch.cat([cosines[:-1], cosines[-1:] * root])
        sines = torch.cat([sines[:-1], sines[-1:] * 0])
    return torch.fft.irfft(torch.complex(cosines, sines), n=steps, dim=0) / spread
