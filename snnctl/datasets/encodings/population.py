"""Population coding: each value speaks to several neurons, each with a favourite value of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from snnctl.datasets.encodings.front_end import FrontEnd
from snnctl.datasets.encodings.ranges import Outside, choice, number, within
from snnctl.errors import UserError

Spacing = Literal["ends", "beyond"]


@dataclass(frozen=True)
class Population(FrontEnd):
    """Gaussian receptive fields over a range of values, then another encoding of their activity:

        a_k = exp(-(v - c_k)^2 / (2 width^2)),   k = 0 ... count - 1
        ends:    c_k = low + k (high - low) / (count - 1)
        beyond:  c_k = low + (k - 1/2) (high - low) / (count - 2)         the outermost lie outside the range

    A channel becomes `count` channels, its own one after the other.

    Args:
        count: neurons a value, 1 and above; 3 and above where width is None or spacing is "beyond".
        low, high: the range, in the unit of the values.
        width: standard deviation of a field, in the unit of the values; None: (high - low) / (1.5 (count - 2)).
        spacing: of the centres.
        outside: a value outside low to high: "refuse", or "clip".
        then: the encoding of the activity, which lies in 0 to 1.

    Raises:
        UserError: a setting out of range; when called: a value outside its range.

    Source: Bohte, Kok, La Poutre 2002, doi:10.1016/S0925-2312(01)00658-0.
    """

    count: int = 8
    low: float = 0.0
    high: float = 1.0
    width: float | None = None
    spacing: Spacing = "ends"
    outside: Outside = "refuse"

    def __post_init__(self):
        choice("Population", "spacing", self.spacing, Spacing)
        choice("Population", "outside", self.outside, Outside)
        number("Population", "count", self.count, "neurons a value", 3 if self._inner else 1)
        number("Population", "low", self.low, "unit of the values")
        number("Population", "high", self.high, "unit of the values", self.low, above=True)
        if self.width is not None:
            number("Population", "width", self.width, "unit of the values", 0.0, above=True)

    @property
    def _inner(self) -> bool:
        return self.width is None or self.spacing == "beyond"

    def centres(self) -> Tensor:
        """(count,) the favourite values."""
        if self.spacing == "ends":
            return torch.linspace(self.low, self.high, self.count)
        k = torch.arange(self.count, dtype=torch.float32)
        return self.low + (2 * k - 1) * (self.high - self.low) / (2 * (self.count - 2))

    def features_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """(C, ...) -> (C count, ...)."""
        if not shape:
            raise UserError("Population: the values have no channels", "expected the shape (C, ...) at each step")
        return (shape[0] * self.count, *shape[1:])

    def features(self, values: Tensor, dt: float) -> Tensor:
        """The activity, (L, B, C, ...) -> (L, B, C count, ...), 0 to 1."""
        v = within("Population", values, self.low, self.high, "unit of the values", self.outside)
        width = (self.high - self.low) / (1.5 * (self.count - 2)) if self.width is None else self.width
        centres = self.centres().view(-1, *[1] * (v.dim() - 3))
        activity = torch.exp(-0.5 * ((v.unsqueeze(3) - centres) / width).square())
        return activity.flatten(2, 3)
