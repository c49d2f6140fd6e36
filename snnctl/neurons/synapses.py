"""Synapses as layers: exponential, and alpha-shaped."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple, get_args

from torch import Tensor

from snnctl.neurons.leaky import Decay, decay_factor
from snnctl.neurons.neuron import Neuron
from snnctl.neurons.node import Drive, Node
from snnctl.neurons.quantity import TIME, Value, one_of
from snnctl.neurons.sequence import zeros
from snnctl.neurons.synapse import Synapse, arrived, synaptic_drive

Order = Literal["decay_then_add", "add_then_decay", "next_step", "held"]


class ExpSynapseState(NamedTuple):
    """Between two steps, (B, ...)."""

    i: Tensor  # synaptic current


class ExpSynapseCoefficients(NamedTuple):
    """Derived from the parameters at one dt."""

    syn_decay: float | Tensor
    syn_leak: float | Tensor | None  # 1 - syn_decay, of held


class ExpSynapse(Neuron):
    """Exponential synapse: tau_syn di/dt = -i with x added to i, of which one step is

        i[t] = syn_decay i[t-1] + x[t]                 (decay_then_add; syn_decay = exp(-dt / tau_syn))
        i[t] = syn_decay (i[t-1] + x[t])               (add_then_decay)

    and the output is i[t]; with synapse "next_step" it is i[t-1] of the first. With "held" a spike stops the decay,

        i[t] = i[t-1] - (1 - x[t]) (1 - syn_decay) i[t-1] + x[t]

    Args:
        tau_syn: synaptic time constant, s, > 0 and >= dt / 2.
        synapse: order of decay and arrival, as in `CubaLIF`; or "held", for inputs of 0 and 1.
        decay: "exact", "euler" or "bitshift", as in `Leaky`.
        conventions: learnable, per, shape of `Neuron`.

    Raises:
        UserError: a value out of range, an unknown option or parameter name; a time constant below dt / 2.

    Source: W. Gerstner et al., "Neuronal Dynamics" (2014), doi:10.1017/CBO9781107447615, section 3.1; held: P. Diehl,
    M. Cook, "Unsupervised learning of digit recognition using spike-timing-dependent plasticity", Frontiers in
    Computational Neuroscience 9 (2015), doi:10.3389/fncom.2015.00099.
    """

    State = ExpSynapseState
    nodes = (Node("LI", {"tau": "tau_syn"}, {"v_leak": 0.0}),)
    said = {"synapse": get_args(Synapse)}

    def __init__(
        self, *, tau_syn: Value = 10e-3, synapse: Order = "decay_then_add", decay: Decay = "exact", **conventions
    ):
        super().__init__({"tau_syn": (tau_syn, TIME)}, **conventions)
        self.synapse = one_of(type(self).__name__, "synapse", synapse, Order)
        self.decay = one_of(type(self).__name__, "decay", decay, Decay)

    def coefficients(self, dt: float) -> ExpSynapseCoefficients:
        self.check_step(dt)
        decay = decay_factor(self.tau_syn, dt, self.decay)
        return ExpSynapseCoefficients(decay, 1 - decay if self.synapse == "held" else None)

    def drives(self, dt: float) -> dict[str, Drive]:
        return {"r": synaptic_drive(self.tau_syn, dt, self.decay, self.synapse)}

    def initial_state(self, x0: Tensor) -> ExpSynapseState:
        return ExpSynapseState(zeros(x0))

    def step(self, x: Tensor, state: ExpSynapseState, coefs: ExpSynapseCoefficients) -> tuple[Tensor, ExpSynapseState]:
        if self.synapse == "held":
            i = state.i - (1 - x) * coefs.syn_leak * state.i + x
            return i, ExpSynapseState(i)
        out, i = arrived(x, state.i, coefs.syn_decay, self.synapse)
        return out, ExpSynapseState(i)


class AlphaSynapseState(NamedTuple):
    """Between two steps, each (B, ...)."""

    h: Tensor  # what feeds the current
    i: Tensor  # synaptic current


class AlphaSynapseCoefficients(NamedTuple):
    """Derived from the parameters at one dt."""

    syn_decay: float | Tensor
    flow: float | Tensor


class AlphaSynapse(Neuron):
    """Alpha synapse: an input x at time 0 gives the current i(t) = x t / tau_syn exp(1 - t / tau_syn), which starts at
    0 and peaks at x after tau_syn. One step, exact at the steps:

        i[t] = syn_decay (i[t-1] + e dt / tau_syn h[t-1])       syn_decay = exp(-dt / tau_syn)
        h[t] = syn_decay h[t-1] + x[t]

    and the output is i[t].

    Args:
        tau_syn: synaptic time constant, s, > 0 and >= dt / 2.
        conventions: learnable, per, shape of `Neuron`.

    Raises:
        UserError: a value out of range, an unknown parameter name; a time constant below dt / 2.

    Source: W. Rall, "Distinguishing theoretical synaptic potentials computed for different soma-dendritic
    distributions of synaptic input", Journal of Neurophysiology 30 (1967), doi:10.1152/jn.1967.30.5.1138.
    """

    State = AlphaSynapseState

    def __init__(self, *, tau_syn: Value = 5e-3, **conventions):
        super().__init__({"tau_syn": (tau_syn, TIME)}, **conventions)

    def coefficients(self, dt: float) -> AlphaSynapseCoefficients:
        self.check_step(dt)
        return AlphaSynapseCoefficients(decay_factor(self.tau_syn, dt, "exact"), math.e * dt / self.tau_syn)

    def initial_state(self, x0: Tensor) -> AlphaSynapseState:
        return AlphaSynapseState(zeros(x0), zeros(x0))

    def step(
        self, x: Tensor, state: AlphaSynapseState, coefs: AlphaSynapseCoefficients
    ) -> tuple[Tensor, AlphaSynapseState]:
        i = coefs.syn_decay * (state.i + coefs.flow * state.h)
        return i, AlphaSynapseState(coefs.syn_decay * state.h + x, i)
