"""Fewer pixels: a deterministic transform, done once when the cache is built."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from snnctl.errors import UserError


@dataclass(frozen=True)
class Pool:
    """Sum events over kernel x kernel pixels: (x, y) = (x // kernel, y // kernel). With 2, 34x34 becomes 17x17.

    Rows and columns that fill no whole kernel are left out. Values are averaged instead, and become float32.

    Args:
        kernel: pixels a side; for a line of channels, channels.
        polarity: False merges the polarities (or colours) into one plane.
    """

    kernel: int = 2
    polarity: bool = True

    def __post_init__(self):
        if self.kernel < 1:
            raise UserError(f"Pool: kernel is {self.kernel}", "expected 1 or more")

    def shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of one step after it.

        Raises:
            UserError: nothing would be left.
        """
        first = 1 if len(shape) > 1 else 0
        pooled = tuple(n // self.kernel for n in shape[first:])
        if 0 in pooled:
            raise UserError(f"Pool: kernel {self.kernel} leaves nothing of {shape}", f"at most {min(shape[first:])}")
        planes = shape[:first] if self.polarity else (1,) * first
        return (*planes, *pooled)

    def __call__(self, events: np.ndarray) -> np.ndarray:
        """The pooled events; or values (L, C, H, W)."""
        if events.dtype.names is None:
            return self._values(events)
        events["x"] //= self.kernel
        events["y"] //= self.kernel
        if not self.polarity:
            events["p"] = 0
        return events

    def _values(self, values: np.ndarray) -> np.ndarray:
        k, (height, width) = self.kernel, values.shape[-2:]
        whole = values[..., : height // k * k, : width // k * k].astype(np.float32)
        if values.dtype == np.uint8:
            whole /= 255
        pooled = whole.reshape(*values.shape[:-2], height // k, k, width // k, k).mean((-3, -1))
        return pooled if self.polarity else pooled.mean(-3, keepdims=True)
