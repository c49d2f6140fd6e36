"""The base of layers over time that are no elementwise step: they mix steps, or have weights of their own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, NamedTuple

from torch import Tensor, nn

from snnctl.errors import UserError
from snnctl.kernels.backend import Choice
from snnctl.neurons.sequence import precision


class Temporal(nn.Module, ABC):
    """A layer that a network calls as `layer(x, state, dt=dt) -> (out, state)` on a whole sequence.

    A subclass defines `run`; half precision input is computed in float32, as in every neuron.

    Args:
        shape_out: one time step of the output without the batch; None: that of the input.

    Attributes:
        spiking: out is spikes. why: it runs in torch, for `snnctl check`.
    """

    temporal = True
    spiking = True
    why = "has weights of its own: products of torch"
    State: type  # NamedTuple

    def __init__(self, shape_out: Sequence[int] | None = None):
        super().__init__()
        if shape_out is not None:
            self.shape_out = tuple(shape_out)

    @abstractmethod
    def run(self, x: Tensor, state: Any, dt: float) -> tuple[Tensor, Any, dict[str, Tensor]]:
        """The sequence x (T, B, ...) from a state (None: from rest): out, state, and what is recorded over time."""

    def forward(self, x: Tensor, state: NamedTuple | None = None, *, dt: float) -> tuple[Tensor, NamedTuple]:
        """A whole sequence in one call.

        Args:
            x: input (T, B, ...), T >= 1.
            state: what an earlier call returned; None starts at rest.
            dt: step width, s.

        Returns:
            out (T, B, ...) in x's dtype, and the state after the last step.

        Raises:
            UserError: x has no time and batch axis, or does not fit the layer or the state.
        """
        return self.trace(x, state, dt=dt)[:2]

    def trace(
        self, x: Tensor, state: NamedTuple | None = None, *, dt: float
    ) -> tuple[Tensor, NamedTuple, dict[str, Tensor]]:
        """As `forward`, and what it records after each step: name -> (T, B, ...)."""
        if x.dim() < 2 or not len(x):
            raise self.wrong(
                f"input of shape {tuple(x.shape)}",
                "wanted         (T, B, ...): one time step or more first, then batch",
            )
        if state is not None and not isinstance(state, self.State):
            raise self.wrong(f"state is a {type(state).__name__}", f"wanted         {self.State.__name__}, or None")
        out, state, recorded = self.run(x.to(precision(x)), state, dt)
        return out.to(x.dtype if x.is_floating_point() else out.dtype), state, recorded

    def runs_on(self, x0: Tensor, dt: float, device: str | None = None) -> Choice:
        """Torch, and why."""
        return Choice("eager", self.why)

    def wrong(self, problem: str, hint: str) -> UserError:
        """The error to raise for a wrong value: it names this layer."""
        return UserError(f"{type(self).__name__}: {problem}", hint)
