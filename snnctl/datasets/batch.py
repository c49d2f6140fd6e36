"""One batch, and its input as a list of events."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class EventList(NamedTuple):
    """Input as events instead of frames, for event-driven first layers: (T, B, *shape) without its zeros.

    The events of step `t` and sample `b` are `codes[offsets[t * B + b] : offsets[t * B + b + 1]]`, an event that occurs
    twice in a bin is listed twice.

    Args:
        codes: (n,) int32, flat index of the event within `shape` (row-major).
        offsets: (T * B + 1,) int64.
        steps: T.
        batch: B.
        size: the shape of one time step.
    """

    codes: Tensor
    offsets: Tensor
    steps: int
    batch: int
    size: tuple[int, ...]

    @property
    def shape(self) -> torch.Size:
        """(T, B, *shape), as of the dense tensor."""
        return torch.Size((self.steps, self.batch, *self.size))

    @property
    def device(self) -> torch.device:
        """Where the codes lie."""
        return self.codes.device

    def to(self, *args, **kwargs) -> EventList:
        """The same events on another device."""
        return self._replace(codes=self.codes.to(*args, **kwargs), offsets=self.offsets.to(*args, **kwargs))

    def pin_memory(self) -> EventList:
        """The same events in page-locked memory."""
        return self._replace(codes=self.codes.pin_memory(), offsets=self.offsets.pin_memory())

    def dense(self) -> Tensor:
        """Event counts (T, B, *shape), float32."""
        cells = self.steps * self.batch
        width = int(torch.Size(self.size).numel())
        counts = self.offsets[1:] - self.offsets[:-1]
        cell = torch.repeat_interleave(torch.arange(cells, device=self.device), counts)
        flat = torch.zeros(cells * width, dtype=torch.float32, device=self.device)
        flat.index_add_(0, cell * width + self.codes, torch.ones(len(self.codes), device=self.device))
        return flat.view(self.shape)


def dense(x: Tensor | EventList) -> Tensor:
    """A batch's input as a tensor, (T, B, *shape)."""
    return x if isinstance(x, Tensor) else x.dense()


class Batch(NamedTuple):
    """What a loader yields and a regime trains on.

    Args:
        x: (T, B, *shape) float32, event counts or encoded values, zero past a sample's length; or an EventList.
        target: (B,) int64, class index; or (T, B, C) float32, what each output is to do, zero past a sample's length.
        length: (B,) int64, valid time steps of each sample.
        index: (B,) int64, number of the sample within its part.
    """

    x: Tensor | EventList
    target: Tensor
    length: Tensor
    index: Tensor
