"""MPBNLIF: a leaky integrate-and-fire neuron whose membrane is batch-normalised before it fires."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from snnctl.errors import number
from snnctl.kernels.backend import Choice
from snnctl.kernels.program import Program
from snnctl.neurons.leaky import gained, leaked
from snnctl.neurons.lif import LIF, LIFState

NORMS = {1: nn.BatchNorm1d, 2: nn.BatchNorm1d, 3: nn.BatchNorm2d, 4: nn.BatchNorm3d}


class MPBNLIFCoefficients(NamedTuple):
    """Derived from the parameters at one dt; None where no option needs it."""

    decay: float | Tensor
    gain: float | Tensor | None  # None is 1
    v_rest: float | Tensor | None  # None is 0
    threshold: float | Tensor
    v_reset: float | Tensor | None
    refractory: float | None  # steps
    scale: Tensor | None = None  # the norm as it is after training; None while it takes the batch's statistics
    shift: Tensor | None = None


class MPBNLIF(LIF):
    """Leaky integrate-and-fire neuron with membrane potential batch normalisation, at every step and a channel:

        u[t] = v_rest + decay (v[t-1] - v_rest) + gain x[t]        decay = exp(-dt / tau_mem), gain = 1
        v[t] = weight (u[t] - mean) / sqrt(variance + eps) + bias  over batch and space in training, running otherwise
        s[t] = 1 if v[t] >= threshold
        v[t] = v[t] - s[t] threshold

    In training it runs step by step in torch, as the statistics join the samples of a batch; in evaluation the norm is
    a factor and a sum, and it runs as any other neuron.

    Args:
        shape: one time step without the batch, channels first; the network fills it in.
        momentum: of the running statistics, no unit, 0 to 1.
        eps: added to the variance, above 0.
        conventions: of `LIF`.

    Attributes:
        norm: the BatchNorm of torch.

    Raises:
        UserError: a value out of range, an unknown option or parameter name; no shape; one value a channel in training.

    Source: Y. Guo et al., "Membrane potential batch normalization for spiking neural networks", ICCV 2023,
    arXiv:2308.08359.
    """

    def __init__(self, *, momentum: float = 0.1, eps: float = 1e-5, **conventions):
        super().__init__(**conventions)
        if not self.shape or len(self.shape) not in NORMS:
            raise self.wrong(
                f"shape is {self.shape}", "give           shape=(channels, ...), or let a network fill it in"
            )
        number("MPBNLIF: momentum is", momentum, "no unit", 0.0, 1.0)
        number("MPBNLIF: eps is", eps, "square of the unit of v", 0.0, above=True)
        self.momentum, self.eps = momentum, eps
        self.norm = NORMS[len(self.shape)](self.shape[0], momentum=momentum, eps=eps)

    def coefficients(self, dt: float) -> MPBNLIFCoefficients:
        lif = MPBNLIFCoefficients(*super().coefficients(dt))
        if self.training:
            return lif
        norm, spread = self.norm, (-1, *(1 for _ in self.shape[1:]))
        scale = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
        shift = norm.bias - norm.running_mean * scale
        return lif._replace(scale=scale.view(spread), shift=shift.view(spread))

    def step(self, x: Tensor, state: LIFState, coefs: MPBNLIFCoefficients) -> tuple[Tensor, LIFState]:
        u = self.receive(leaked(state.v, coefs), gained(x, coefs.gain), state, coefs)
        v = self._normalised(u) if coefs.scale is None else u * coefs.scale + coefs.shift
        s, *after = self.spike(v, coefs.threshold, state, coefs)
        return s, LIFState(*after)

    def program(self, state: NamedTuple, coefs: NamedTuple) -> Program | None:
        """As of any neuron, in evaluation; None in training."""
        return None if coefs.scale is None else super().program(state, coefs)

    def runs_on(self, x0: Tensor, dt: float, device: str | None = None) -> Choice:
        """As `Neuron.runs_on`."""
        choice = super().runs_on(x0, dt, device)
        batchwise = self.training and choice.name == "eager"
        return Choice("eager", "statistics of the batch at every step of training") if batchwise else choice

    def _normalised(self, u: Tensor) -> Tensor:
        if u.numel() == u.shape[1]:
            raise self.wrong(
                f"in training it needs more than one value a channel, got {tuple(u.shape)} a step",
                "set            a batch of two samples or more",
            )
        return self.norm(u)
