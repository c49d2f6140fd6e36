"""ReLU: the stand-in that turns a spiking network into an ordinary one."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from snnctl.kernels.backend import Choice
from snnctl.neurons.neuron import Neuron


class ReLUState(NamedTuple):
    """Nothing is kept between two steps."""


class ReLUCoefficients(NamedTuple):
    """There are no parameters."""


class ReLU(Neuron):
    """Rectified linear unit, out[t] = max(0, x[t]): no state, no spikes, dt plays no part.

    With `neuron=relu` a network trains as an ANN: the baseline of a spiking one, and what is converted to one.

    Source: K. Fukushima, "Visual feature extraction by a multilayered network of analog threshold elements", IEEE
    Transactions on Systems Science and Cybernetics 5 (1969), doi:10.1109/TSSC.1969.300225; V. Nair, G. E. Hinton,
    "Rectified linear units improve restricted Boltzmann machines", ICML 2010.
    """

    State = ReLUState

    def __init__(self):
        super().__init__()

    def coefficients(self, dt: float) -> ReLUCoefficients:
        return ReLUCoefficients()

    def initial_state(self, x0: Tensor) -> ReLUState:
        return ReLUState()

    def step(self, x: Tensor, state: ReLUState, coefs: ReLUCoefficients) -> tuple[Tensor, ReLUState]:
        return torch.relu(x), state

    def runs_on(self, x0: Tensor, dt: float, device: str | None = None) -> Choice:
        """Torch, in one operation for all steps."""
        return Choice("eager", "one operation for all steps")

    def forward(self, x: Tensor, state: ReLUState | None = None, *, dt: float) -> tuple[Tensor, ReLUState]:
        """As `Neuron.forward`, all steps at once; an input constant in time (stride 0) is computed once."""
        self._check(x)
        if x.stride(0) == 0:
            return torch.relu(x[:1]).expand_as(x), ReLUState()
        return torch.relu(x), ReLUState()
