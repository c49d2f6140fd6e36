"""A gradient that is constant on each side of a point: straight through, leaky, one-sided."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from snnctl.surrogates.ranges import ANY, FLAG, ranged
from snnctl.surrogates.surrogate import Surrogate


@dataclass(frozen=True)
class TwoSlopes(Surrogate):
    """ds/dx = above for x >= kink, below otherwise: the slopes of a (leaky) ramp that bends at the kink.

        straight through                      below = 1, above = 1       snnTorch, SpikingJelly's DeterministicPass
        the spike as its own gradient         below = 0, above = 1       snnTorch's heaviside (strict)
        leaky ReLU                            below = leak, above = k    SpikingJelly's LeakyKReLU, snnTorch's LSO
        from a window below threshold on      kink = -window             Sinabs' Heaviside, Rockpool's StepPWL
        opposite signs                        below = 1, above = -1      what snnTorch's triangular computes

    It never falls off far from threshold, so that silent neurons go on learning, and so do saturated ones.

    Args:
        below: slope left of the kink, 1 / unit of v.
        above: slope from the kink on, 1 / unit of v.
        kink: where the slope changes beside threshold, unit of v.
        strict: the kink itself has the slope below it, as the spike itself has at v = threshold with fire "gt".

    Source: Y. Bengio, N. Leonard, A. Courville, "Estimating or propagating gradients through stochastic neurons for
    conditional computation", arXiv:1308.3432.
    """

    below: float = ranged(0.0, ANY)
    above: float = ranged(1.0, ANY)
    kink: float = ranged(0.0, ANY)
    strict: bool = ranged(False, FLAG)

    def derivative(self, x: Tensor) -> Tensor:
        right = x > self.kink if self.strict else x >= self.kink
        return torch.where(right, torch.full_like(x, self.above), torch.full_like(x, self.below))

    def primitive(self, x: Tensor) -> Tensor:
        right, left = (x - self.kink).clamp(min=0), (x - self.kink).clamp(max=0)
        at_threshold = self.above * max(-self.kink, 0) + self.below * min(-self.kink, 0)
        return self.above * right + self.below * left - at_threshold + 0.5
