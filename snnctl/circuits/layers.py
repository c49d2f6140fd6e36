"""Layers without a state that torch does not have."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class SumPool2d(nn.Module):
    """Sum over windows, as neuromorphic chips pool spikes: a count in the window, no division.

        y[c, i, j] = sum_{u, v} x[c, s i + u, s j + v]

    Args:
        kernel_size: side of the window, pixels; or (height, width).
        stride: step of the window; None: the window's side.
        padding: zeros around the map.
    """

    def __init__(
        self,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] | None = None,
        padding: int | tuple[int, int] = 0,
    ):
        super().__init__()
        self.kernel_size = kernel_size if isinstance(kernel_size, int) else tuple(kernel_size)
        self.stride = self.kernel_size if stride is None else stride if isinstance(stride, int) else tuple(stride)
        self.padding = padding if isinstance(padding, int) else tuple(padding)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H', W')."""
        return F.avg_pool2d(x, self.kernel_size, self.stride, self.padding, divisor_override=1)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class Scale(nn.Module):
    """One to one and fixed: y_i = w_i x_i.

    Args:
        factor: w, a number, or an array that broadcasts against a step without the batch.
    """

    def __init__(self, factor: float | Tensor = 1.0):
        super().__init__()
        self.register_buffer("factor", torch.as_tensor(factor, dtype=torch.get_default_dtype()), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, ...) -> (B, ...)."""
        return x * self.factor

    def extra_repr(self) -> str:
        return f"factor={self.factor.item():g}" if self.factor.dim() == 0 else f"shape={tuple(self.factor.shape)}"
