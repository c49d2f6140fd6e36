"""CLIF: a leaky integrate-and-fire neuron with a complementary potential that remembers spikes."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from snnctl.neurons.leaky import Leaky, gained, leaked
from snnctl.neurons.sequence import zeros
from snnctl.neurons.threshold import Threshold


class CLIFState(NamedTuple):
    """Between two steps, each (B, ...)."""

    m: Tensor  # complementary potential
    v: Tensor  # membrane potential


class CLIFCoefficients(NamedTuple):
    """Derived from the parameters at one dt; None where no option needs it."""

    decay: float | Tensor
    gain: float | Tensor | None  # None is 1
    v_rest: float | Tensor | None  # None is 0
    threshold: float | Tensor
    rate: float | Tensor


class CLIF(Leaky, Threshold):
    """Complementary leaky integrate-and-fire neuron: a second potential m counts spikes, decays the faster the lower
    the membrane is, and deepens the reset; its gradient reaches further back than the membrane's.

        u[t] = v_rest + decay (v[t-1] - v_rest) + gain x[t]        decay = exp(-dt / tau_mem), gain = 1
        s[t] = 1 if u[t] >= threshold
        m[t] = m[t-1] sigmoid(dt / tau_mem u[t]) + s[t]
        v[t] = u[t] - s[t] (threshold + sigmoid(m[t]))

    Args:
        conventions: tau_mem, v_rest, decay, input_gain of `Leaky`; threshold, fire, surrogate of `Threshold`;
            learnable, per, shape of `Neuron`.

    Raises:
        UserError: a value out of range, an unknown option or parameter name; a time constant below dt / 2.

    Source: Y. Huang et al., "CLIF: complementary leaky integrate-and-fire neuron for spiking neural networks", ICML
    2024, arXiv:2402.04663.
    """

    State = CLIFState

    def coefficients(self, dt: float) -> CLIFCoefficients:
        return CLIFCoefficients(**self.membrane(dt), threshold=self.threshold, rate=dt / self.tau_mem)

    def initial_state(self, x0: Tensor) -> CLIFState:
        return CLIFState(zeros(x0), self.resting(x0))

    def step(self, x: Tensor, state: CLIFState, coefs: CLIFCoefficients) -> tuple[Tensor, CLIFState]:
        u = leaked(state.v, coefs) + gained(x, coefs.gain)
        s = self.fired(u, coefs.threshold)
        m = state.m * torch.sigmoid(coefs.rate * u) + s
        v = u - s * (coefs.threshold + torch.sigmoid(m))
        return s, CLIFState(m, v)
