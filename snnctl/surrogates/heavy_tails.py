"""Surrogates that fall off with a power of the distance from threshold."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from snnctl.surrogates.ranges import ANY, above, ranged
from snnctl.surrogates.surrogate import Surrogate


@dataclass(frozen=True)
class NonzeroSignLogAbs(Surrogate):
    """ds/dx = alpha / (1 + alpha |x|), the derivative of sign(x) log(1 + alpha |x|) + 1/2.

    The heaviest tail that still falls: no neuron is ever out of reach. SpikingJelly's NonzeroSignLogAbs.

    Args:
        alpha: sharpness and peak, 1 / unit of v, > 0.

    Source: W. Fang et al., "SpikingJelly: An open-source machine learning infrastructure platform for spike-based
    intelligence", Science Advances 9 (2023), doi:10.1126/sciadv.adi1480.
    """

    alpha: float = 1.0

    def derivative(self, x: Tensor) -> Tensor:
        return (x.abs() + 1 / self.alpha).reciprocal()

    def primitive(self, x: Tensor) -> Tensor:
        return torch.sign(x) * torch.log1p(x.abs() * self.alpha) + 0.5


@dataclass(frozen=True)
class QPseudoSpike(Surrogate):
    """ds/dx = (1 + 2 |x| / (q - 1))^(-q), the derivative of sign(x) (1 - (1 + 2 |x| / (q - 1))^(1 - q)) / 2 + 1/2.

    The peak is 1 and the area 1, q sets the tail: q = 2 is FastSigmoid(slope=2), q towards infinity
    SingleExponential(width=0.5, scale=0.5). SpikingJelly's QPseudoSpike, whose alpha is q.

    Args:
        q: how fast the tail falls, > 1.

    Source: L. Herranz-Celotti, J. Rouat, "Stabilizing spiking neuron training", arXiv:2202.00282.
    """

    q: float = ranged(2.0, above(1))

    def derivative(self, x: Tensor) -> Tensor:
        return torch.exp(torch.log1p(x.abs() * (2 / (self.q - 1))) * -self.q)

    def primitive(self, x: Tensor) -> Tensor:
        tail = torch.exp(torch.log1p(x.abs() * (2 / (self.q - 1))) * (1 - self.q))
        return torch.sign(x) * (1 - tail) / 2 + 0.5


@dataclass(frozen=True)
class FakeNumericalGradient(Surrogate):
    """ds/dx = min(alpha, 1 / |x|), the derivative of alpha x near threshold and sign(x) (1 + log(alpha |x|)) beyond.

    1 / |x| is the difference quotient of a sign function between 0 and x. SpikingJelly's FakeNumericalGradient.

    Args:
        alpha: the cap, 1 / unit of v, > 0; reached for |x| <= 1 / alpha.

    Source: W. Fang et al., "SpikingJelly: An open-source machine learning infrastructure platform for spike-based
    intelligence", Science Advances 9 (2023), doi:10.1126/sciadv.adi1480.
    """

    alpha: float = 0.3

    def derivative(self, x: Tensor) -> Tensor:
        return x.abs().clamp(min=1 / self.alpha).reciprocal()

    def primitive(self, x: Tensor) -> Tensor:
        edge = 1 / self.alpha
        return x.clamp(-edge, edge) * self.alpha + torch.sign(x) * torch.log(x.abs().clamp(min=edge) / edge) + 0.5


@dataclass(frozen=True)
class LogTailedReLU(Surrogate):
    """ds/dx = alpha for x <= 0, 1 for 0 < x <= 1, 1 / x above: a (leaky) ReLU with a logarithmic tail.

    Outliers far above threshold weigh less. SpikingJelly's LogTailedReLU.

    Args:
        alpha: slope below threshold, 1 / unit of v.

    Source: Z. Cai, X. He, J. Sun, N. Vasconcelos, "Deep learning with low precision by half-wave Gaussian
    quantization", CVPR 2017, arXiv:1702.00953.
    """

    alpha: float = ranged(0.0, ANY)

    def derivative(self, x: Tensor) -> Tensor:
        return torch.where(x <= 0, torch.full_like(x, self.alpha), x.clamp(min=1).reciprocal())

    def primitive(self, x: Tensor) -> Tensor:
        return x.clamp(max=0) * self.alpha + x.clamp(0, 1) + torch.log(x.clamp(min=1)) + 0.5


@dataclass(frozen=True)
class S2NN(Surrogate):
    """ds/dx = alpha y (1 - y) with y = 1 / (1 + exp(-alpha x)) for x < 0, beta / (x + 1) for x >= 0.

    The derivative of y below threshold and of beta log(1 + x) + 1/2 above it, for networks that run a single step.
    SpikingJelly's S2NN.

    Args:
        alpha: sharpness below threshold, 1 / unit of v, > 0.
        beta: slope at threshold from above, 1 / unit of v, > 0.

    Source: K. Suetake, S. Ikegawa, R. Saiin, Y. Sawada, "S3NN: Time step reduction of spiking surrogate gradients for
    training energy efficient single-step spiking neural networks", Neural Networks 159 (2023), arXiv:2201.10879.
    """

    alpha: float = 4.0
    beta: float = 1.0

    def derivative(self, x: Tensor) -> Tensor:
        y = torch.sigmoid(x * self.alpha)
        return torch.where(x < 0, y * (1 - y) * self.alpha, self.beta / (x.clamp(min=0) + 1))

    def primitive(self, x: Tensor) -> Tensor:
        return torch.sigmoid(x.clamp(max=0) * self.alpha) + torch.log1p(x.clamp(min=0)) * self.beta
