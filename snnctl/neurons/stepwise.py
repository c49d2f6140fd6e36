"""Neurons that no kernel can be printed from: they run in torch, one step after the other."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from snnctl.errors import UserError
from snnctl.kernels.backend import Choice
from snnctl.neurons.neuron import Neuron


class Stepwise(Neuron):
    """A neuron whose step is not elementwise, or draws at random; a backend other than auto or eager is an error.

    Attributes:
        why: it runs step by step, for `snnctl check`.
    """

    why: str

    def runs_on(self, x0: Tensor, dt: float, device: str | None = None) -> Choice:
        """Torch, step by step, and why."""
        self._refuse_kernels()
        return Choice("eager", self.why)

    def program(self, state: NamedTuple, coefs: NamedTuple) -> None:
        """There is none."""
        self._refuse_kernels()

    def _refuse_kernels(self) -> None:
        if self.backend not in ("auto", "eager"):
            name = type(self).__name__
            raise UserError(f"backend {self.backend} cannot run {name}: {self.why}", "choose   backend=auto")
