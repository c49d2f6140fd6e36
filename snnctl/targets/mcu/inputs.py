"""What a circuit is given, as whole numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from snnctl.errors import UserError

COUNT, GRADED = 255, 2047  # largest magnitudes; graded ones leave room for the sum of 8,192 products in 32 bits


@dataclass(frozen=True)
class Inputs:
    """Inputs of one step as whole numbers, n = x / scale.

    Args:
        kind: "counts": 0 to 255 in a byte; "graded": -2047 to 2047 in two.
        scale: of a graded input, unit of x; a count's is 1.
    """

    kind: Literal["counts", "graded"]
    scale: float = 1.0

    @property
    def largest(self) -> int:
        return COUNT if self.kind == "counts" else GRADED

    @property
    def size(self) -> int:
        """Bytes a value."""
        return 1 if self.kind == "counts" else 2

    def encode(self, x: Tensor) -> Tensor:
        """x as int64; what lies beyond the largest magnitude becomes that.

        Raises:
            UserError: counts are asked for, and x has fractions or is below 0; x is not finite.
        """
        if not torch.isfinite(x).all():
            raise UserError("the input is not finite", "look at the data   snnctl data preview NAME")
        if self.kind == "counts" and ((x < 0) | (x != x.round())).any():
            raise UserError("the input is no count: it has fractions or is below 0", "set   target.input=graded")
        return (x.double() / self.scale).round().clamp(-self.largest, self.largest).long()


def chosen(option: str, x: Tensor | None) -> Inputs:
    """The form of the inputs.

    Args:
        option: "counts", "graded" or "auto", which sees what x is.
        x: samples; None where there are none, then they are taken for counts.
    """
    whole = x is None or bool((x == x.round()).all())
    if option == "counts" or (option == "auto" and (x is None or (whole and x.min() >= 0 and x.max() <= COUNT))):
        return Inputs("counts")
    largest = 1.0 if x is None else x.abs().max().item()
    if largest == 0 or (whole and largest <= GRADED):
        return Inputs("graded")
    return Inputs("graded", largest / GRADED)
