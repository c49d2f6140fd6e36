"""LIF: the leaky integrate-and-fire neuron."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from snnctl.neurons.leaky import Leaky, gained, leaked
from snnctl.neurons.node import Node
from snnctl.neurons.spiking import SpikingNeuron


class LIFState(NamedTuple):
    """Between two steps, each (B, ...); None where no option needs it."""

    v: Tensor  # membrane potential
    due: Tensor | None = None  # reset that acts at the next step
    refractory: Tensor | None = None  # steps left


class LIFCoefficients(NamedTuple):
    """Derived from the parameters at one dt; None where no option needs it."""

    decay: float | Tensor
    gain: float | Tensor | None  # None is 1
    v_rest: float | Tensor | None  # None is 0
    threshold: float | Tensor
    v_reset: float | Tensor | None
    refractory: float | None  # steps


class LIF(Leaky, SpikingNeuron):
    """Leaky integrate-and-fire neuron: tau_mem dv/dt = v_rest - v + input, of which one step is

        v[t] = v_rest + decay (v[t-1] - v_rest) + gain x[t]        decay = exp(-dt / tau_mem), gain = 1
        s[t] = 1 if v[t] >= threshold
        v[t] = v[t] - s[t] threshold

    Args:
        conventions: tau_mem, v_rest, decay, input_gain of `Leaky`; threshold, v_reset, fire, reset, reset_delay,
            detach_reset, max_spikes, refractory, surrogate of `SpikingNeuron`; learnable, per, shape of `Neuron`.

    Raises:
        UserError: a value out of range, an unknown option or parameter name; a time constant below dt / 2.

    Source: W. Gerstner et al., "Neuronal Dynamics" (2014), doi:10.1017/CBO9781107447615, section 1.3.
    """

    State = LIFState
    nodes = (Node("LIF", {"tau": "tau_mem", "v_leak": "v_rest", "v_threshold": "threshold", "v_reset": "v_reset"}),)

    def coefficients(self, dt: float) -> LIFCoefficients:
        return LIFCoefficients(**self.membrane(dt), **self.firing(dt))

    def initial_state(self, x0: Tensor) -> LIFState:
        return LIFState(self.resting(x0), **self.rested(x0))

    def step(self, x: Tensor, state: LIFState, coefs: LIFCoefficients) -> tuple[Tensor, LIFState]:
        v = self.receive(leaked(state.v, coefs), gained(x, coefs.gain), state, coefs)
        s, *after = self.spike(v, coefs.threshold, state, coefs)
        return s, LIFState(*after)
