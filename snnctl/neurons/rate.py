"""Rate: a leaky unit that gives out a rate instead of spikes."""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor

from snnctl.neurons.leaky import Decay, Gain, Leaky, gained, leaked
from snnctl.neurons.quantity import POTENTIAL, Value, one_of

Activation = Literal["relu", "tanh", "sigmoid"]


class RateState(NamedTuple):
    """Between two steps, (B, ...)."""

    v: Tensor  # membrane potential


class RateCoefficients(NamedTuple):
    """Derived from the parameters at one dt."""

    decay: float | Tensor
    gain: float | Tensor | None  # None is 1
    v_rest: float | Tensor | None  # None is 0
    threshold: float | Tensor


class Rate(Leaky):
    """Rate neuron: tau_mem dv/dt = v_rest - v + x, of which one Euler step is

        v[t]   = v_rest + decay (v[t-1] - v_rest) + gain x[t]      decay = 1 - dt / tau_mem, gain = dt / tau_mem
        out[t] = f(v[t] - threshold)

    Args:
        activation: f: "relu", "tanh", or "sigmoid" (1 + tanh) / 2.
        threshold: unit of v.
        decay: "exact", "euler" or "bitshift", as in `Leaky`.
        input_gain: a number, "1-decay" or "dt/tau", as in `Leaky`.
        conventions: tau_mem, v_rest of `Leaky`; learnable, per, shape of `Neuron`.

    Raises:
        UserError: a value out of range, an unknown option or parameter name; a time constant below dt / 2.

    Source: H. R. Wilson, J. D. Cowan, "Excitatory and inhibitory interactions in localized populations of model
    neurons", Biophysical Journal 12 (1972), doi:10.1016/S0006-3495(72)86068-5; P. Dayan, L. F. Abbott, "Theoretical
    Neuroscience" (2001), section 7.2.
    """

    State = RateState

    def __init__(
        self,
        *,
        activation: Activation = "relu",
        threshold: Value = 0.0,
        decay: Decay = "euler",
        input_gain: Gain = "dt/tau",
        **conventions,
    ):
        super().__init__({"threshold": (threshold, POTENTIAL)}, decay=decay, input_gain=input_gain, **conventions)
        self.activation = one_of(type(self).__name__, "activation", activation, Activation)

    def coefficients(self, dt: float) -> RateCoefficients:
        return RateCoefficients(**self.membrane(dt), threshold=self.threshold)

    def initial_state(self, x0: Tensor) -> RateState:
        return RateState(self.resting(x0))

    def step(self, x: Tensor, state: RateState, coefs: RateCoefficients) -> tuple[Tensor, RateState]:
        v = leaked(state.v, coefs) + gained(x, coefs.gain)
        over = v - coefs.threshold
        if self.activation == "relu":
            return torch.relu(over), RateState(v)
        return torch.tanh(over) if self.activation == "tanh" else torch.sigmoid(2 * over), RateState(v)
