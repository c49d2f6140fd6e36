"""LI: a leaky integrator, whose membrane is the output."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from snnctl.neurons.leaky import Leaky, gained, leaked


class LIState(NamedTuple):
    """Between two steps, (B, ...)."""

    v: Tensor  # membrane potential


class LICoefficients(NamedTuple):
    """Derived from the parameters at one dt."""

    decay: float | Tensor
    gain: float | Tensor | None  # None is 1
    v_rest: float | Tensor | None  # None is 0


class LI(Leaky):
    """Leaky integrator, the readout that does not spike: tau_mem dv/dt = v_rest - v + input, of which one step is

        v[t] = v_rest + decay (v[t-1] - v_rest) + gain x[t]        decay = exp(-dt / tau_mem), gain = 1

    and the output is v[t].

    Args:
        conventions: tau_mem, v_rest, decay, input_gain of `Leaky`; learnable, per, shape of `Neuron`.

    Raises:
        UserError: a value out of range, an unknown option or parameter name; a time constant below dt / 2.

    Source: W. Gerstner et al., "Neuronal Dynamics" (2014), doi:10.1017/CBO9781107447615, section 1.3 without spikes.
    """

    State = LIState

    def coefficients(self, dt: float) -> LICoefficients:
        return LICoefficients(**self.membrane(dt))

    def initial_state(self, x0: Tensor) -> LIState:
        return LIState(self.resting(x0))

    def step(self, x: Tensor, state: LIState, coefs: LICoefficients) -> tuple[Tensor, LIState]:
        v = leaked(state.v, coefs) + gained(x, coefs.gain)
        return v, LIState(v)
