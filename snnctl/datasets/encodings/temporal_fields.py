"""Temporal receptive fields: a series at several time scales at once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from snnctl.datasets.encodings.front_end import FrontEnd
from snnctl.datasets.encodings.ranges import choice, number, within
from snnctl.errors import UserError

Decay = Literal["exact", "euler"]


@dataclass(frozen=True)
class TemporalFields(FrontEnd):
    """Leaky integrators with time constants in a geometric row, then another encoding of their state:

        a_k[t] = a_k[t-1] + g_k (v[t] - a_k[t-1]),   a_k[-1] = 0,   tau_k = shortest spread^k,   k = 0 ... count - 1
        exact:  g_k = 1 - exp(-dt / tau_k)            euler:  g_k = dt / tau_k

    (C, ...) becomes (count C, ...), the shortest time constant first.

    Args:
        count: time scales, 1 and above.
        shortest: time constant, s.
        spread: factor from one time constant to the next, 1 and above.
        decay: how the equation is integrated.
        then: the encoding of the state.

    Raises:
        UserError: a setting out of range; when called: a time constant below dt / 2, a value that is not finite.

    Source: Lindeberg 2016, doi:10.1007/s10851-015-0613-9.
    """

    count: int = 4
    shortest: float = 10e-3
    spread: float = 2**0.5
    decay: Decay = "exact"

    def __post_init__(self):
        number("TemporalFields", "count", self.count, "time scales", 1)
        number("TemporalFields", "shortest", self.shortest, "s", 0.0, above=True)
        number("TemporalFields", "spread", self.spread, "no unit", 1.0)
        choice("TemporalFields", "decay", self.decay, Decay)

    def taus(self) -> list[float]:
        """Time constants, s."""
        return [self.shortest * self.spread**k for k in range(self.count)]

    def features_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """(C, ...) -> (count C, ...)."""
        return (self.count * shape[0], *shape[1:])

    def features(self, values: Tensor, dt: float) -> Tensor:
        """(L, B, C, ...) -> (L, B, count C, ...)."""
        if self.shortest < dt / 2:
            raise UserError(
                f"TemporalFields: shortest is {self.shortest:g} s", f"range          {dt / 2:g} and above, s"
            )
        gains = [1 - math.exp(-dt / tau) if self.decay == "exact" else dt / tau for tau in self.taus()]
        gain = torch.tensor(gains).view(-1, *[1] * (values.dim() - 2))
        state, states = torch.zeros(()), []
        for v in within("TemporalFields", values):
            state = state + gain * (v.unsqueeze(1) - state)
            states.append(state)
        return torch.stack(states).flatten(2, 3)
