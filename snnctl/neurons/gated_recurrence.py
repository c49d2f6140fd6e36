"""Recurrent layers of gates: the weights and the loop over time that spiking LSTMs, GRUs and their kin share."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from snnctl.neurons.sequence import stack, unbind
from snnctl.neurons.temporal import Temporal
from snnctl.neurons.threshold import a_surrogate, counted, vector
from snnctl.surrogates import Surrogate


class GatedRecurrence(Temporal):
    """Cells whose gates are driven by the input and by their own output one step before.

    A subclass sets `gates` and `State`, whose last field is the output h that comes back, and defines `cell`. The
    product with the input is made for all steps at once, the one with h at each step.

    Args:
        input, recurrent: modules for the two products: to `gates` blocks of the cells' values.
        cells: one time step of the cells' values, (N,) or (C, ...).
        out: one time step of the output, where it differs from `cells`.
        surrogate: the gradient of a spike.

    Attributes:
        input, recurrent: as given, drawn uniformly within 1 / sqrt(number of cells or maps).
    """

    gates: int
    why = "weights of its own: a dense product a step"

    def __init__(
        self,
        input: nn.Module,
        recurrent: nn.Module,
        cells: Sequence[int],
        surrogate: Surrogate,
        out: Sequence[int] | None = None,
    ):
        super().__init__(cells if out is None else out)
        self.surrogate = a_surrogate(type(self).__name__, surrogate)
        self.cells = tuple(cells)
        self.input, self.recurrent = input, recurrent
        bound = 1 / math.sqrt(self.cells[0])
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)

    def plain(self) -> nn.Module:
        """The layer of torch that the input meets; its operations are counted by it."""
        return self.input

    @abstractmethod
    def cell(self, given: Tensor, returned: Tensor, state: NamedTuple) -> tuple[Tensor, NamedTuple]:
        """One step: the products with the input and with h, each (B, gates * cells, ...), to out and the next state."""

    def run(self, x: Tensor, state: NamedTuple | None, dt: float) -> tuple[Tensor, NamedTuple, dict[str, Tensor]]:
        weight = next(self.parameters())
        given = self.input(x.to(weight.dtype).flatten(0, 1)).unflatten(0, x.shape[:2])
        if state is None:
            rest = torch.zeros(x.shape[1], *self.cells, dtype=weight.dtype, device=x.device)
            state = self.State(*(rest for _ in self.State._fields))
        elif state[-1].shape != (x.shape[1], *self.cells):
            raise self.wrong(
                f"state of {tuple(state[-1].shape)} given with a batch of {x.shape[1]}",
                "wanted         the state of the same samples, or None to start at rest",
            )
        outs, states = [], []
        for given_t in unbind(given):
            out, state = self.cell(given_t, self.recurrent(state[-1]), state)
            outs.append(out)
            states.append(state)
        return stack(outs), state, {f: stack([getattr(s, f) for s in states]) for f in self.State._fields}


class Dense(GatedRecurrence):
    """Gated cells with a weight between each two of them.

    Args:
        shape: one time step of the input without the batch, (N,); the network fills it in.
        out_features: number of cells; None: as many as inputs.
        bias: learn one bias for the product with the input and one for that with h.
        surrogate: the gradient of a spike.

    Raises:
        UserError: the input is no vector, or out_features below 1.
    """

    def __init__(self, shape: Sequence[int], out_features: int | None, bias: bool, surrogate: Surrogate):
        name = type(self).__name__
        n = vector(name, shape)
        cells = n if out_features is None else counted(name, "out_features", out_features)
        gates = self.gates * cells
        super().__init__(nn.Linear(n, gates, bias=bias), nn.Linear(cells, gates, bias=bias), (cells,), surrogate)
