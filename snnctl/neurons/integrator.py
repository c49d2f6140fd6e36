"""Integrator: a sum over time."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from snnctl.neurons.neuron import Neuron
from snnctl.neurons.node import Drive, Node
from snnctl.neurons.sequence import zeros


class IntegratorState(NamedTuple):
    """Between two steps, (B, ...)."""

    v: Tensor  # membrane potential


class IntegratorCoefficients(NamedTuple):
    """There are no parameters."""


class Integrator(Neuron):
    """Integrator, the readout that neither leaks nor spikes: v[t] = v[t-1] + x[t], and the output is v[t].

    Args:
        conventions: shape, backend of `Neuron`; it has nothing to learn, and dt plays no part.

    Source: W. Gerstner et al., "Neuronal Dynamics" (2014), doi:10.1017/CBO9781107447615, section 1.3 without the leak
    and without spikes.
    """

    State = IntegratorState
    nodes = (Node("I"),)

    def coefficients(self, dt: float) -> IntegratorCoefficients:
        self.check_step(dt)
        return IntegratorCoefficients()

    def drives(self, dt: float) -> dict[str, Drive]:
        return {"r": Drive(1.0, dt, dt)}

    def initial_state(self, x0: Tensor) -> IntegratorState:
        return IntegratorState(zeros(x0))

    def step(self, x: Tensor, state: IntegratorState, coefs: IntegratorCoefficients) -> tuple[Tensor, IntegratorState]:
        v = state.v + x
        return v, IntegratorState(v)
