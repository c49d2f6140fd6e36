"""McCullochPitts: a threshold without memory."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from snnctl.neurons.node import Node
from snnctl.neurons.threshold import Threshold


class McCullochPittsState(NamedTuple):
    """Nothing is kept between two steps."""


class McCullochPittsCoefficients(NamedTuple):
    """Derived from the parameters."""

    threshold: float | Tensor


class McCullochPitts(Threshold):
    """McCulloch and Pitts' neuron: it fires in the steps whose input reaches threshold.

        s[t] = 1 if x[t] >= threshold

    Args:
        conventions: threshold, fire, surrogate of `Threshold`; learnable, per, shape of `Neuron`.

    Raises:
        UserError: a value out of range, an unknown option or parameter name.

    Source: W. S. McCulloch, W. Pitts, "A logical calculus of the ideas immanent in nervous activity", Bulletin of
    Mathematical Biophysics 5 (1943), doi:10.1007/BF02478259.
    """

    State = McCullochPittsState
    nodes = (Node("Threshold", {"threshold": "threshold"}),)

    def coefficients(self, dt: float) -> McCullochPittsCoefficients:
        self.check_step(dt)
        return McCullochPittsCoefficients(self.threshold)

    def initial_state(self, x0: Tensor) -> McCullochPittsState:
        return McCullochPittsState()

    def step(
        self, x: Tensor, state: McCullochPittsState, coefs: McCullochPittsCoefficients
    ) -> tuple[Tensor, McCullochPittsState]:
        return self.fired(x, coefs.threshold), state
