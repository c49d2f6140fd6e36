"""KLIF: a leaky integrate-and-fire neuron that scales and rectifies its membrane before it fires."""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor

from snnctl.neurons.leaky import Leaky, gained, leaked
from snnctl.neurons.lif import LIFState
from snnctl.neurons.quantity import Kind, Value, one_of
from snnctl.neurons.spiking import SpikingNeuron


class KLIFCoefficients(NamedTuple):
    """Derived from the parameters at one dt; None where no option needs it."""

    decay: float | Tensor
    gain: float | Tensor | None  # None is 1
    v_rest: float | Tensor | None  # None is 0
    threshold: float | Tensor
    v_reset: float | Tensor | None
    refractory: float | None  # steps
    k: float | Tensor


class KLIF(Leaky, SpikingNeuron):
    """Leaky integrate-and-fire neuron with a learnable slope k before the threshold, which its membrane keeps:

        u[t] = v_rest + decay (v[t-1] - v_rest) + gain x[t]        decay = exp(-dt / tau_mem), gain = 1
        f[t] = max(0, k u[t])
        s[t] = 1 if f[t] >= threshold
        v[t] = f[t] - s[t] threshold
        v[t] = (f[t] - s[t] threshold) / k                         (scale_reset: the slope acts on the spike alone)

    With k = 1 and reset "none" it is a leaky ReLU recurrence that fires, v[t] = max(0, decay v[t-1] + x[t]).

    Args:
        k: slope, no unit, > 0.
        scale_reset: divide by k again after the spike.
        conventions: tau_mem, v_rest, decay, input_gain of `Leaky`; threshold, v_reset, fire, reset, reset_delay,
            detach_reset, max_spikes, refractory, surrogate of `SpikingNeuron`; learnable, per, shape of `Neuron`.

    Raises:
        UserError: a value out of range, an unknown option or parameter name; a time constant below dt / 2.

    Source: C. Jiang, Y. Zhang, "KLIF: an optimized spiking neuron unit for tuning surrogate gradient slope and membrane
    potential" (2023), arXiv:2302.09238.
    """

    State = LIFState

    def __init__(self, *, k: Value = 1.0, scale_reset: bool = False, **conventions):
        super().__init__({"k": (k, Kind("no unit", above=0.0))}, **conventions)
        self.scale_reset = one_of(type(self).__name__, "scale_reset", scale_reset, Literal[True, False])

    def coefficients(self, dt: float) -> KLIFCoefficients:
        return KLIFCoefficients(**self.membrane(dt), **self.firing(dt), k=self.k)

    def initial_state(self, x0: Tensor) -> LIFState:
        return LIFState(self.resting(x0), **self.rested(x0))

    def step(self, x: Tensor, state: LIFState, coefs: KLIFCoefficients) -> tuple[Tensor, LIFState]:
        u = self.receive(leaked(state.v, coefs), gained(x, coefs.gain), state, coefs)
        f = torch.relu(coefs.k * u)
        if not self.scale_reset:
            s, *after = self.spike(f, coefs.threshold, state, coefs)
            return s, LIFState(*after)
        if coefs.v_reset is not None:  # a value that it is reset to is not scaled
            coefs = coefs._replace(v_reset=coefs.k * coefs.v_reset)
        s, v, due, refractory = self.spike(f, coefs.threshold, state, coefs)
        if due is not None and self.reset == "subtract":
            due = due / coefs.k
        return s, LIFState(v / coefs.k, due, refractory)
