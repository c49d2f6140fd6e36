"""A leaky gradient whose leak is noise: the stochastic spike operator."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from snnctl.surrogates.ranges import ANY, from_, ranged
from snnctl.surrogates.surrogate import Surrogate

TEETH = 1009.0  # of the sawtooth, a unit of v: many beside what v moves in a step, few beside its resolution


@dataclass(frozen=True)
class DitheredStep(Surrogate):
    """ds/dx = 1 for x > 0; below, spread (u + mean) with u uniform on [-1/2, 1/2).

    snnTorch's SSO draws u anew at each backward pass. Here u is a sawtooth of x with 1009 teeth a unit of v, so that it
    is as uniform over any stretch of v, and still a function: equal in every kernel and at every repetition, and the
    derivative of a primitive. Its mean over v is SSO's expectation, TwoSlopes(below=spread * mean).

    Args:
        mean: of the noise before scaling; 0 has as much negative gradient as positive.
        spread: width of the noise, 1 / unit of v, >= 0; snnTorch's `variance`.

    Source: J. K. Eshraghian et al., "Training spiking neural networks using lessons from deep learning", Proceedings
    of the IEEE 111 (2023), doi:10.1109/JPROC.2023.3308088.
    """

    mean: float = ranged(0.0, ANY)
    spread: float = ranged(0.2, from_(0))

    def derivative(self, x: Tensor) -> Tensor:
        noise = (self._phase(x) + (self.mean - 0.5)) * self.spread
        return torch.where(x > 0, torch.ones_like(x), noise.to(x.dtype))

    def primitive(self, x: Tensor) -> Tensor:
        below = x.clamp(max=0)
        phase = self._phase(below)
        ripple = (phase * (phase - 1) / (2 * TEETH)).to(x.dtype)
        return x.clamp(min=0) + self.spread * (ripple + self.mean * below) + 0.5

    def _phase(self, x: Tensor) -> Tensor:
        teeth = (x.float() if x.dtype.itemsize < 4 else x) * TEETH  # half precision has no digits left for it
        return teeth - torch.floor(teeth).detach()
