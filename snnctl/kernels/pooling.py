"""Output of a kernel pooled over windows of its maps, so that it is never written in full."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch.nn.functional as F
from torch import Tensor

from snnctl.kernels.layout import Layout, Strides

BLOCK = 8192  # neurons: a few steps of them, pooled, and their state stay in the second-level cache


class Pooling(NamedTuple):
    """Windows of maps that an output is pooled over: side k, step k, no padding; a rest of the map is left out.

    Args:
        size: k, pixels.
        mean: the mean of a window; else its sum.
    """

    size: int
    mean: bool

    def __call__(self, x: Tensor) -> Tensor:
        """(T, B, C, H, W) -> (T, B, C, H // k, W // k) in torch."""
        divisor = None if self.mean else 1
        return F.avg_pool2d(x.flatten(0, 1), self.size, divisor_override=divisor).unflatten(0, x.shape[:2])

    def fits(self, x: Tensor) -> bool:
        """Whether a kernel can pool it as it goes: (T, B, C, H, W) with a window at least."""
        return x.dim() == 5 and min(x.shape[3:]) >= self.size

    @lru_cache(maxsize=256)  # noqa: B019 - a layout knows its own strides, which are worked out once
    def layout(self, full: Layout) -> Layout:
        """Of the pooled maps."""
        channels, height, width = full.shape
        return replace(full, shape=(channels, height // self.size, width // self.size))

    def arguments(self, full: Layout, windows: Strides) -> dict[str, object]:
        """What the kernel is told: rows are samples here, a block is one whole, or some of its rows of windows."""
        channels, _, width = full.shape
        row = self.size * width * channels
        pooled = self.layout(full)
        given = {
            "R": full.batch, "M": full.neurons, "width": width, "channels": channels,
            "block": full.neurons if full.neurons <= BLOCK else max(1, BLOCK // row) * row,
            "divisor": np.float32(self.size**2 if self.mean else 1), "pt": windows.step,
            "pr": windows.row if full.batch_major else pooled.neurons,
        }  # fmt: skip
        if not full.batch_major:
            given |= {"ar": full.neurons, "xr": full.neurons}
        return given
