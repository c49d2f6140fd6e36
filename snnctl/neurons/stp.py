"""STP: synapses that tire and warm up (short-term plasticity of Tsodyks and Markram)."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from snnctl.neurons.coba_lif import Integration
from snnctl.neurons.leaky import decay_factor
from snnctl.neurons.neuron import Neuron
from snnctl.neurons.quantity import TIME, Kind, Value, one_of
from snnctl.neurons.sequence import zeros

SHARE = Kind("no unit", above=0.0)


class STPState(NamedTuple):
    """Between two steps, each (B, ...)."""

    u: Tensor  # share of the resources that a spike uses, 0 to 1
    r: Tensor  # resources left, 0 to 1


class STPCoefficients(NamedTuple):
    """Derived from the parameters at one dt."""

    u_decay: float | Tensor
    r_decay: float | Tensor
    use: float | Tensor


class STP(Neuron):
    """Short-term plasticity: each spike x uses a share u of the resources r, which recover, and facilitates the next,

        du/dt = -u / tau_f,  u += use (1 - u) x;      dr/dt = (1 - r) / tau_d,  r -= u r x

    of which one step is

        u[t] = u_decay u[t-1] + use (1 - u[t-1]) x[t]                     u_decay = exp(-dt / tau_f)
        out[t] = u[t] r[t-1] x[t]
        r[t] = 1 - r_decay (1 - r[t-1]) - out[t]                          r_decay = exp(-dt / tau_d)

    A layer between spikes and the weights they meet, one synapse a presynaptic neuron: out[t] is what comes through. It
    starts rested, u = 0 and r = 1. Depressing where tau_d is long, facilitating where tau_f is.

    Args:
        tau_f: time constant of facilitation, s, > 0 and >= dt / 2.
        tau_d: time constant of depression, s, > 0 and >= dt / 2.
        use: share that the first spike uses (U in the paper), no unit, above 0 and up to 1.
        decay: "exact" exp(-dt / tau), or "euler" 1 - dt / tau.
        conventions: learnable, per, shape of `Neuron`.

    Raises:
        UserError: a value out of range, an unknown option or parameter name; a time constant below dt / 2.

    Source: M. Tsodyks, K. Pawelzik, H. Markram, "Neural networks with dynamic synapses", Neural Computation 10 (1998),
    doi:10.1162/089976698300017502.
    """

    State = STPState

    def __init__(
        self,
        *,
        tau_f: Value = 50e-3,
        tau_d: Value = 750e-3,
        use: Value = 0.45,
        decay: Integration = "exact",
        **conventions,
    ):
        super().__init__({"tau_f": (tau_f, TIME), "tau_d": (tau_d, TIME), "use": (use, SHARE)}, **conventions)
        self.decay = one_of(type(self).__name__, "decay", decay, Integration)
        if self.highest["use"] > 1:
            raise self.wrong(f"use is {self.highest['use']:g}", "range          above 0 and up to 1, no unit")

    def coefficients(self, dt: float) -> STPCoefficients:
        self.check_step(dt)
        return STPCoefficients(*(decay_factor(tau, dt, self.decay) for tau in (self.tau_f, self.tau_d)), self.use)

    def initial_state(self, x0: Tensor) -> STPState:
        return STPState(zeros(x0), zeros(x0) + 1)

    def step(self, x: Tensor, state: STPState, coefs: STPCoefficients) -> tuple[Tensor, STPState]:
        u = coefs.u_decay * state.u + coefs.use * (1 - state.u) * x
        out = u * state.r * x
        return out, STPState(u, 1 - coefs.r_decay * (1 - state.r) - out)
