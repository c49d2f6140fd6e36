"""CubaLIF: a leaky integrate-and-fire neuron behind a synaptic current."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from snnctl.neurons.leaky import Leaky, decay_factor, gained, leaked
from snnctl.neurons.node import Drive, Node
from snnctl.neurons.quantity import TIME, Value, one_of
from snnctl.neurons.sequence import zeros
from snnctl.neurons.spiking import SpikingNeuron
from snnctl.neurons.synapse import Synapse, arrived, synaptic_drive


class CubaLIFState(NamedTuple):
    """Between two steps, each (B, ...); None where no option needs it."""

    i: Tensor  # synaptic current
    v: Tensor  # membrane potential
    due: Tensor | None = None  # reset that acts at the next step
    refractory: Tensor | None = None  # steps left


class CubaLIFCoefficients(NamedTuple):
    """Derived from the parameters at one dt; None where no option needs it."""

    decay: float | Tensor
    gain: float | Tensor | None  # None is 1
    v_rest: float | Tensor | None  # None is 0
    threshold: float | Tensor
    v_reset: float | Tensor | None
    refractory: float | None  # steps
    syn_decay: float | Tensor


class CubaLIF(Leaky, SpikingNeuron):
    """Current-based leaky integrate-and-fire neuron: tau_syn di/dt = -i with x added to i, and
    tau_mem dv/dt = v_rest - v + i, of which one step is

        i[t] = syn_decay i[t-1] + x[t]                             (decay_then_add; syn_decay = exp(-dt / tau_syn))
        i[t] = syn_decay (i[t-1] + x[t])                           (add_then_decay)
        v[t] = v_rest + decay (v[t-1] - v_rest) + gain i[t]        decay = exp(-dt / tau_mem), gain = 1
        s[t] = 1 if v[t] >= threshold
        v[t] = v[t] - s[t] threshold

    A refractory neuron keeps collecting current: it drops i[t] from the membrane, not x[t] from the synapse.

    Args:
        tau_syn: synaptic time constant, s, > 0 and >= dt / 2.
        synapse: whether the input of a step reaches the membrane in that step ("decay_then_add"), already decayed
            ("add_then_decay"), or one step later ("next_step": v[t] is driven by i[t-1]).
        conventions: tau_mem, v_rest, decay (of both), input_gain of `Leaky`; threshold, v_reset, fire, reset,
            reset_delay, detach_reset, max_spikes, refractory, surrogate of `SpikingNeuron`; learnable, per, shape of
            `Neuron`.

    Raises:
        UserError: a value out of range, an unknown option or parameter name; a time constant below dt / 2.

    Source: W. Gerstner et al., "Neuronal Dynamics" (2014), doi:10.1017/CBO9781107447615, section 3.1; as a network
    node: J. E. Pedersen et al., "Neuromorphic intermediate representation", Nature Communications 15 (2024),
    doi:10.1038/s41467-024-52259-9.
    """

    State = CubaLIFState
    nodes = (
        Node(
            "CubaLIF",
            {
                "tau_syn": "tau_syn",
                "tau_mem": "tau_mem",
                "v_leak": "v_rest",
                "v_threshold": "threshold",
                "v_reset": "v_reset",
            },
        ),
    )

    def __init__(self, *, tau_syn: Value = 20e-3, synapse: Synapse = "decay_then_add", **conventions):
        super().__init__({"tau_syn": (tau_syn, TIME)}, **conventions)
        self.synapse = one_of(type(self).__name__, "synapse", synapse, Synapse)

    def coefficients(self, dt: float) -> CubaLIFCoefficients:
        membrane, firing = self.membrane(dt), self.firing(dt)
        return CubaLIFCoefficients(**membrane, **firing, syn_decay=decay_factor(self.tau_syn, dt, self.decay))

    def drives(self, dt: float) -> dict[str, Drive]:
        return {**super().drives(dt), "w_in": synaptic_drive(self.tau_syn, dt, self.decay, self.synapse)}

    def initial_state(self, x0: Tensor) -> CubaLIFState:
        return CubaLIFState(zeros(x0), self.resting(x0), **self.rested(x0))

    def step(self, x: Tensor, state: CubaLIFState, coefs: CubaLIFCoefficients) -> tuple[Tensor, CubaLIFState]:
        current, i = arrived(x, state.i, coefs.syn_decay, self.synapse)
        v = self.receive(leaked(state.v, coefs), gained(current, coefs.gain), state, coefs)
        s, *after = self.spike(v, coefs.threshold, state, coefs)
        return s, CubaLIFState(i, *after)
