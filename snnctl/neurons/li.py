"""LI: a leaky integrator, whose membrane is the output."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from snnctl.neurons.leaky import Leaky, checked_floor, decay_factor, gained, leaked
from snnctl.neurons.node import Drive, Node
from snnctl.neurons.quantity import TIME, Value, one_of
from snnctl.neurons.sequence import zeros
from snnctl.neurons.synapse import Synapse, arrived, synaptic_drive


class LIState(NamedTuple):
    """Between two steps, each (B, ...); None where no option needs it."""

    v: Tensor  # membrane potential
    i: Tensor | None = None  # synaptic current


class LICoefficients(NamedTuple):
    """Derived from the parameters at one dt."""

    decay: float | Tensor
    gain: float | Tensor | None  # None is 1
    v_rest: float | Tensor | None  # None is 0
    syn_decay: float | Tensor | None = None  # None: no synapse


class LI(Leaky):
    """Leaky integrator, the readout that does not spike: tau_mem dv/dt = v_rest - v + input, of which one step is

        v[t] = v_rest + decay (v[t-1] - v_rest) + gain x[t]        decay = exp(-dt / tau_mem), gain = 1

    and the output is v[t]. With a tau_syn, a synaptic current i[t] stands in the place of x[t].

    Args:
        tau_syn: time constant of a synaptic current in front of the membrane, as in `CubaLIF`, s, > 0 and >= dt / 2;
            None for none.
        synapse: order of its decay and arrival, as in `CubaLIF`.
        v_min: v is raised to it after it was given out, unit of v, up to v_rest; None for no limit.
        conventions: tau_mem, v_rest, decay (of both), input_gain of `Leaky`; learnable, per, shape of `Neuron`.

    Raises:
        UserError: a value out of range, an unknown option or parameter name; a time constant below dt / 2.

    Source: W. Gerstner et al., "Neuronal Dynamics" (2014), doi:10.1017/CBO9781107447615, section 1.3 without spikes.
    """

    State = LIState
    nodes = (
        Node("CubaLI", {"tau_syn": "tau_syn", "tau_mem": "tau_mem", "v_leak": "v_rest"}),
        Node("LI", {"tau": "tau_mem", "v_leak": "v_rest"}),
    )
    said = {"v_min": (None,)}

    def __init__(
        self,
        *,
        tau_syn: Value | None = None,
        synapse: Synapse = "decay_then_add",
        v_min: float | None = None,
        **conventions,
    ):
        super().__init__({} if tau_syn is None else {"tau_syn": (tau_syn, TIME)}, **conventions)
        self.tau_syn = None if tau_syn is None else self.tau_syn
        if tau_syn is None:
            self.tau_syn = None
        self.synapse = one_of(type(self).__name__, "synapse", synapse, Synapse)
        self.v_min = checked_floor(type(self).__name__, v_min)
        if v_min is not None and v_min > self.lowest["v_rest"]:
            limit = f"v_rest = {self.lowest['v_rest']:g}"
            raise self.wrong(f"v_min is {v_min:g} (unit of v)", f"range          up to {limit}, or null")

    def coefficients(self, dt: float) -> LICoefficients:
        membrane = self.membrane(dt)
        syn_decay = None if self.tau_syn is None else decay_factor(self.tau_syn, dt, self.decay)
        return LICoefficients(**membrane, syn_decay=syn_decay)

    def drives(self, dt: float) -> dict[str, Drive]:
        if self.tau_syn is None:
            return super().drives(dt)
        return {**super().drives(dt), "w_in": synaptic_drive(self.tau_syn, dt, self.decay, self.synapse)}

    def initial_state(self, x0: Tensor) -> LIState:
        return LIState(self.resting(x0), None if self.tau_syn is None else zeros(x0))

    def step(self, x: Tensor, state: LIState, coefs: LICoefficients) -> tuple[Tensor, LIState]:
        current, i = arrived(x, state.i, coefs.syn_decay, self.synapse)
        v = leaked(state.v, coefs) + gained(current, coefs.gain)
        return v, LIState(v if self.v_min is None else v.clamp(min=self.v_min), i)
