"""IF: a membrane that only adds up, and fires."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from snnctl.neurons.node import Drive, Node
from snnctl.neurons.sequence import zeros
from snnctl.neurons.spiking import SpikingNeuron


class IFState(NamedTuple):
    """Between two steps, each (B, ...); None where no option needs it."""

    v: Tensor  # membrane potential
    due: Tensor | None = None  # reset that acts at the next step
    refractory: Tensor | None = None  # steps left


class IFCoefficients(NamedTuple):
    """Derived from the parameters at one dt; None where no option needs it."""

    threshold: float | Tensor
    v_reset: float | Tensor | None
    refractory: float | None  # steps


class IF(SpikingNeuron):
    """Integrate-and-fire neuron: dv/dt = input, of which one step is

        v[t] = v[t-1] + x[t]
        s[t] = 1 if v[t] >= threshold
        v[t] = v[t] - s[t] threshold

    v starts at 0, or at v_reset with reset "value".

    Args:
        conventions: threshold, v_reset, fire, reset, reset_delay, detach_reset, max_spikes, refractory, surrogate of
            `SpikingNeuron`; learnable, per, shape of `Neuron`.

    Raises:
        UserError: a value out of range, an unknown option or parameter name.

    Source: L. Lapicque, Journal de Physiologie et de Pathologie Générale 9 (1907); W. Gerstner et al., "Neuronal
    Dynamics" (2014), doi:10.1017/CBO9781107447615, section 1.3 without the leak.
    """

    State = IFState
    nodes = (Node("IF", {"v_threshold": "threshold", "v_reset": "v_reset"}),)

    def coefficients(self, dt: float) -> IFCoefficients:
        return IFCoefficients(**self.firing(dt))

    def drives(self, dt: float) -> dict[str, Drive]:
        return {"r": Drive(1.0, dt, dt)}

    def initial_state(self, x0: Tensor) -> IFState:
        v = zeros(x0)
        return IFState(v + self.v_reset if self.reset == "value" else v, **self.rested(x0))

    def step(self, x: Tensor, state: IFState, coefs: IFCoefficients) -> tuple[Tensor, IFState]:
        v = self.receive(state.v, x, state, coefs)
        s, *after = self.spike(v, coefs.threshold, state, coefs)
        return s, IFState(*after)
