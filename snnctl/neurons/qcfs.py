"""QCFS: a ReLU with as many levels as a spiking neuron can give in a number of steps."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from snnctl.kernels.backend import Choice
from snnctl.neurons.neuron import Neuron
from snnctl.neurons.quantity import POTENTIAL, Value


class QCFSState(NamedTuple):
    """Nothing is kept between two steps."""


class QCFSCoefficients(NamedTuple):
    """Derived from the parameters."""

    threshold: float | Tensor


class QCFS(Neuron):
    """Quantisation, clip, floor and shift, the activation to train an ANN with that is to be converted:

        out[t] = threshold clip(floor(levels x[t] / threshold + 1/2) / levels, 0, 1)

    It is what an integrate-and-fire neuron that starts at half its threshold gives on average over `levels` steps of a
    constant input. No state, no spikes; dt plays no part. Its gradient is that of the clipped ramp without the steps,
    and to the threshold that of the steps too.

    Args:
        levels: L, steps of the ramp, 1 and above.
        threshold: where the ramp ends, above 0; learnable unless told otherwise.
        conventions: learnable, per, shape of `Neuron`.

    Raises:
        UserError: a value out of range or an unknown parameter name.

    Source: T. Bu et al., "Optimal ANN-SNN conversion for high-accuracy and ultra-low-latency spiking neural networks",
    ICLR 2022, arXiv:2303.04347.
    """

    State = QCFSState

    def __init__(self, *, levels: int = 8, threshold: Value = 4.0, learnable=("threshold",), **conventions):
        super().__init__({"threshold": (threshold, POTENTIAL)}, learnable=learnable, **conventions)
        if type(levels) is not int or levels < 1:
            raise self.wrong(f"levels is {levels!r}", "range          1 and above, whole, no unit")
        if self.lowest["threshold"] <= 0:
            raise self.wrong(f"threshold is {self.lowest['threshold']:g}", "range          above 0, unit of the input")
        self.levels = levels

    def coefficients(self, dt: float) -> QCFSCoefficients:
        return QCFSCoefficients(self.threshold)

    def initial_state(self, x0: Tensor) -> QCFSState:
        return QCFSState()

    def step(self, x: Tensor, state: QCFSState, coefs: QCFSCoefficients) -> tuple[Tensor, QCFSState]:
        ramp = (x / coefs.threshold).clamp(0, 1)
        stairs = (ramp * self.levels + 0.5).floor() / self.levels
        return coefs.threshold * (ramp + (stairs - ramp).detach()), state

    def runs_on(self, x0: Tensor, dt: float, device: str | None = None) -> Choice:
        """Torch, in a few operations for all steps."""
        return Choice("eager", "a few operations for all steps")

    def forward(self, x: Tensor, state: QCFSState | None = None, *, dt: float) -> tuple[Tensor, QCFSState]:
        """As `Neuron.forward`, all steps at once; an input constant in time (stride 0) is computed once."""
        self._check(x)
        steps = x[:1] if x.stride(0) == 0 else x
        out = self.step(steps.to(torch.promote_types(x.dtype, torch.float32)), QCFSState(), self.coefficients(dt))[0]
        return out.to(x.dtype if x.is_floating_point() else out.dtype).expand(x.shape), QCFSState()
