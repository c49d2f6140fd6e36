"""Graded spikes: spikes whose height is learned."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from snnctl.neurons.lif import LIF, LIFState
from snnctl.neurons.neuron import Neuron
from snnctl.neurons.node import Node
from snnctl.neurons.quantity import Kind, Value

AMPLITUDE = Kind("no unit")


class GradedLIFCoefficients(NamedTuple):
    """Those of a LIF, and the amplitude."""

    decay: float | Tensor
    gain: float | Tensor | None  # None is 1
    v_rest: float | Tensor | None  # None is 0
    threshold: float | Tensor
    v_reset: float | Tensor | None
    refractory: float | None  # steps
    amplitude: float | Tensor


class GradedLIF(LIF):
    """Leaky integrate-and-fire neuron with graded spikes: a LIF whose spikes s are given out as

        out[t] = amplitude s[t]

    while its reset acts as at amplitude 1.

    Args:
        amplitude: height of a spike, no unit; learnable.
        conventions: of `LIF`.

    Raises:
        UserError: as `LIF`.

    Source: G. Orchard et al., "Efficient neuromorphic signal processing with Loihi 2", IEEE SiPS 2021,
    arXiv:2111.03746, section on graded spikes.
    """

    def __init__(self, *, amplitude: Value = 1.0, **conventions):
        super().__init__({"amplitude": (amplitude, AMPLITUDE)}, **conventions)

    def coefficients(self, dt: float) -> GradedLIFCoefficients:
        return GradedLIFCoefficients(*super().coefficients(dt), amplitude=self.amplitude)

    def step(self, x: Tensor, state: LIFState, coefs: GradedLIFCoefficients) -> tuple[Tensor, LIFState]:
        s, after = super().step(x, state, coefs)
        return coefs.amplitude * s, after


class GradedSpikesState(NamedTuple):
    """Nothing is kept between two steps."""


class GradedSpikesCoefficients(NamedTuple):
    """Derived from the parameters."""

    amplitude: float | Tensor


class GradedSpikes(Neuron):
    """A layer behind any spiking neuron that gives its spikes a height:

        out[t] = amplitude x[t]

    Args:
        amplitude: height of a spike, no unit; learnable, one a layer, channel or neuron (per).
        conventions: learnable, per, shape of `Neuron`.

    Raises:
        UserError: a value out of range, an unknown parameter name.

    Source: as `GradedLIF`.
    """

    State = GradedSpikesState
    nodes = (Node("Scale", {"scale": "amplitude"}),)

    def __init__(self, *, amplitude: Value = 1.0, **conventions):
        super().__init__({"amplitude": (amplitude, AMPLITUDE)}, **conventions)

    def coefficients(self, dt: float) -> GradedSpikesCoefficients:
        self.check_step(dt)
        return GradedSpikesCoefficients(self.amplitude)

    def initial_state(self, x0: Tensor) -> GradedSpikesState:
        return GradedSpikesState()

    def step(
        self, x: Tensor, state: GradedSpikesState, coefs: GradedSpikesCoefficients
    ) -> tuple[Tensor, GradedSpikesState]:
        return coefs.amplitude * x, state
