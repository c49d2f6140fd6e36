"""A still image read row by row: its lines are the time steps."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from snnctl.datasets.encodings.front_end import FrontEnd
from snnctl.datasets.encodings.ranges import Generators, still
from snnctl.errors import UserError


@dataclass(frozen=True)
class Rows(FrontEnd):
    """One row of a still image after another, from the top, then another encoding of that series:

        x[t] = v[row],   row = floor(t H / T),   t = 0 ... T - 1

    (C, H, W) becomes (C, W). T = H shows each row for one step; sequential MNIST by rows is T = 28.

    Args:
        then: the encoding of the rows; `Rate` makes spikes of them.

    Raises:
        UserError: when called: the values are a series, or no image, or T is below H, so that rows would be left out.

    Source: the task by pixels: Q. V. Le, N. Jaitly, G. E. Hinton 2015, arXiv:1504.00941.
    """

    def features_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """(C, H, W) -> (C, W)."""
        if len(shape) != 3:
            raise UserError(
                f"Rows takes images, and a step of this set is {shape}", "expected (channels, rows, columns)"
            )
        return (shape[0], shape[2])

    def features(self, values: Tensor, dt: float) -> Tensor:
        """(1, B, C, H, W) -> (H, B, C, W)."""
        self.features_shape(tuple(values.shape[2:]))
        return still("Rows", values).permute(2, 0, 1, 3)

    def __call__(self, values: Tensor, steps: int, dt: float, rngs: Generators) -> Tensor:
        """(T, B, C, W)."""
        rows = self.features(values, dt)
        if steps < len(rows):
            raise UserError(
                f"Rows: {steps} time steps for {len(rows)} rows",
                f"set            dataset.steps={len(rows)}, or more",
            )
        shown = rows[torch.arange(steps) * len(rows) // steps].contiguous()
        return self.then(shown, steps, dt, rngs)
