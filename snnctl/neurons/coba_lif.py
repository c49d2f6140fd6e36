"""CobaLIF: a leaky integrate-and-fire neuron with conductances for synapses."""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor

from snnctl.neurons.at_once import AtOnce
from snnctl.neurons.leaky import decay_factor
from snnctl.neurons.quantity import POTENTIAL, TIME, Value, one_of
from snnctl.neurons.sequence import zeros
from snnctl.neurons.spiking import Reset
from snnctl.neurons.synapse import Synapse, arrived

Integration = Literal["exact", "euler"]


class CobaLIFState(NamedTuple):
    """Between two steps, each (B, ...); None where no option needs it."""

    v: Tensor  # membrane potential
    g_exc: Tensor  # excitatory conductance, in units of the leak's
    g_inh: Tensor  # inhibitory
    due: Tensor | None = None  # never
    refractory: Tensor | None = None  # steps left


class CobaLIFCoefficients(NamedTuple):
    """Derived from the parameters at one dt; None where no option needs it."""

    threshold: float | Tensor
    v_reset: float | Tensor | None
    refractory: float | None  # steps
    rate: float | Tensor  # dt / tau_mem
    v_rest: float | Tensor
    exc_decay: float | Tensor
    inh_decay: float | Tensor
    e_exc: float | Tensor
    e_inh: float | Tensor


class CobaLIF(AtOnce):
    """Conductance-based leaky integrate-and-fire neuron: an input opens channels, whose current depends on v,

        tau_mem dv/dt = v_rest - v + g_exc (e_exc - v) + g_inh (e_inh - v)
        tau_exc dg_exc/dt = -g_exc,  g_exc += max(0, x);    tau_inh dg_inh/dt = -g_inh,  g_inh += max(0, -x)

    with conductances in units of the leak's, of which one step is

        g_exc[t] = exc_decay g_exc[t-1] + max(0, x[t]),  g_inh[t] = inh_decay g_inh[t-1] + max(0, -x[t])
        g = 1 + g_exc[t] + g_inh[t],  v_inf = (v_rest + g_exc[t] e_exc + g_inh[t] e_inh) / g
        v[t] = v_inf + (v[t-1] - v_inf) exp(-g dt / tau_mem)                                       (decay "exact")
        v[t] = v[t-1] + dt / tau_mem (v_rest - v[t-1] + g_exc[t] (e_exc - v[t-1]) + g_inh[t] (e_inh - v[t-1]))  (euler)
        s[t] = 1 if v[t] >= threshold
        v[t] = (1 - s[t]) v[t] + s[t] v_reset

    The exact step keeps v between e_inh and e_exc at any conductance; Euler's oscillates where g dt / tau_mem passes 1.

    Args:
        tau_mem, tau_exc, tau_inh: time constants of membrane and conductances, s, > 0 and >= dt / 2.
        v_rest: potential that the leak pulls to and v starts at, unit of v.
        e_exc, e_inh: reversal potentials, unit of v; e_exc above threshold, e_inh below.
        synapse: whether the input of a step opens channels in that step ("decay_then_add"), already decayed
            ("add_then_decay"), or one step later ("next_step").
        decay: of all three: "exact" or "euler".
        conventions: those of `SpikingNeuron` but reset_delay; learnable, per, shape of `Neuron`.

    Raises:
        UserError: a value out of range, an unknown option or parameter name; a time constant below dt / 2.

    Source: T. P. Vogels, L. F. Abbott, "Signal propagation and logic gating in networks of integrate-and-fire neurons",
    Journal of Neuroscience 25 (2005), doi:10.1523/JNEUROSCI.3508-05.2005.
    """

    State = CobaLIFState

    def __init__(
        self,
        *,
        tau_mem: Value = 20e-3,
        tau_exc: Value = 20e-3,
        tau_inh: Value = 20e-3,
        v_rest: Value = 0.0,
        e_exc: Value = 4.0,
        e_inh: Value = -1.0,
        synapse: Synapse = "decay_then_add",
        decay: Integration = "exact",
        reset: Reset = "value",
        **conventions,
    ):
        own = {"tau_mem": (tau_mem, TIME), "tau_exc": (tau_exc, TIME), "tau_inh": (tau_inh, TIME)}
        own |= {"v_rest": (v_rest, POTENTIAL), "e_exc": (e_exc, POTENTIAL), "e_inh": (e_inh, POTENTIAL)}
        super().__init__(own, reset=reset, **conventions)
        self.synapse = one_of(type(self).__name__, "synapse", synapse, Synapse)
        self.decay = one_of(type(self).__name__, "decay", decay, Integration)
        low, high = self.lowest, self.highest
        if low["e_exc"] <= high["threshold"]:
            problem = f"e_exc is {low['e_exc']:g} (unit of v), which excites no neuron to its threshold"
            raise self.wrong(problem, f"range          above threshold = {high['threshold']:g}")
        if high["e_inh"] >= low["threshold"]:
            problem = f"e_inh is {high['e_inh']:g} (unit of v)"
            raise self.wrong(problem, f"range          below threshold = {low['threshold']:g}")

    def coefficients(self, dt: float) -> CobaLIFCoefficients:
        return CobaLIFCoefficients(
            **self.firing(dt), rate=dt / self.tau_mem, v_rest=self.v_rest, e_exc=self.e_exc, e_inh=self.e_inh,
            exc_decay=decay_factor(self.tau_exc, dt, self.decay), inh_decay=decay_factor(self.tau_inh, dt, self.decay),
        )  # fmt: skip

    def initial_state(self, x0: Tensor) -> CobaLIFState:
        return CobaLIFState(zeros(x0) + self.v_rest, zeros(x0), zeros(x0), **self.rested(x0))

    def step(self, x: Tensor, state: CobaLIFState, coefs: CobaLIFCoefficients) -> tuple[Tensor, CobaLIFState]:
        exc, g_exc = arrived(torch.relu(x), state.g_exc, coefs.exc_decay, self.synapse)
        inh, g_inh = arrived(torch.relu(-x), state.g_inh, coefs.inh_decay, self.synapse)
        exc, inh = self.heard(exc, state), self.heard(inh, state)
        if self.decay == "euler":
            pull = coefs.v_rest - state.v + exc * (coefs.e_exc - state.v) + inh * (coefs.e_inh - state.v)
            v = state.v + coefs.rate * pull
        else:
            total = 1 + exc + inh
            v_inf = (coefs.v_rest + exc * coefs.e_exc + inh * coefs.e_inh) / total
            v = v_inf + (state.v - v_inf) * torch.exp(-(coefs.rate * total))
        s, v, _, refractory = self.spike(v, coefs.threshold, state, coefs)
        return s, CobaLIFState(v, g_exc, g_inh, None, refractory)
