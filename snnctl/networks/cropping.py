"""Cutting maps out of maps, and moving channels."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from snnctl.errors import UserError


class Crop2d(nn.Module):
    """A map without its edges: y[c, i, j] = x[c, top + i, left + j].

    Args:
        rows: (top, bottom), pixels cut off.
        columns: (left, right), pixels cut off.

    Raises:
        UserError: a number is below 0; when called: nothing would be left.
    """

    def __init__(self, rows: Sequence[int] = (0, 0), columns: Sequence[int] = (0, 0)):
        super().__init__()
        self.rows, self.columns = tuple(rows), tuple(columns)
        if any(len(cut) != 2 or min(cut) < 0 for cut in (self.rows, self.columns)):
            raise UserError(
                f"Crop2d: rows {rows!r}, columns {columns!r}", "wanted         two numbers each, 0 and above"
            )

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H', W')."""
        high, wide = x.shape[-2:]
        y = x[..., self.rows[0] : high - self.rows[1], self.columns[0] : wide - self.columns[1]]
        if not y.numel() and x.numel():
            raise UserError(
                f"Crop2d: nothing is left of {high} x {wide} pixels", f"it cuts {self.rows}, {self.columns}"
            )
        return y

    def extra_repr(self) -> str:
        return f"rows={self.rows}, columns={self.columns}"


class ChannelShift(nn.Module):
    """Channels moved up by n, silent ones below them: y[c] = x[c - n] for c >= n, else 0.

    Args:
        shift: n, 0 and above.

    Raises:
        UserError: shift is below 0.
    """

    def __init__(self, shift: int = 0):
        super().__init__()
        if type(shift) is not int or shift < 0:
            raise UserError(f"ChannelShift: shift is {shift!r}", "range          0 and above (channels)")
        self.shift = shift

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, ...) -> (B, n + C, ...)."""
        return F.pad(x, (*[0, 0] * (x.dim() - 2), self.shift, 0))

    def extra_repr(self) -> str:
        return f"shift={self.shift}"
