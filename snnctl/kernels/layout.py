"""How a sequence lies in memory, so that one kernel runs on any order of time, batch and channels without a copy."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from snnctl.kernels import buffers


class Strides(NamedTuple):
    """Where the value of step t, row r, neuron m lies: t * step + r * row + m * neuron, in elements."""

    step: int
    row: int
    neuron: int  # 1, or 0 where there is one value for all (a sum's gradient)


@dataclass(frozen=True)
class Layout:
    """The order in memory of a sequence (T, B, *shape), taken from an input.

    A kernel sees R rows of M neurons: one row of all samples' neurons where time comes first, one row a sample where
    the batch does.

    Args:
        steps: T. batch: B. shape: of one sample at one step.
        order: the dimensions of `shape`, slowest first: (1, 2, 0) is channels-last.
        batch_major: whether samples lie one after the other, each with all its steps.
    """

    steps: int
    batch: int
    shape: tuple[int, ...]
    order: tuple[int, ...]
    batch_major: bool

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:  # asked for at every call of a kernel
        return hash((self.steps, self.batch, self.shape, self.order, self.batch_major))

    @cached_property
    def neurons(self) -> int:
        """N of one sample."""
        return math.prod(self.shape)

    @cached_property
    def rows(self) -> int:
        """R."""
        return self.batch if self.batch_major else 1

    @cached_property
    def width(self) -> int:
        """M."""
        return self.neurons if self.batch_major else self.batch * self.neurons

    @cached_property
    def strides(self) -> Strides:
        """Of arrays made by `empty`."""
        if self.batch_major:
            return Strides(self.neurons, self.steps * self.neurons, 1)
        return Strides(self.batch * self.neurons, 0, 1)

    def empty(self, dtype: torch.dtype = torch.float32, device: torch.device | None = None) -> Tensor:
        """An uninitialised (T, B, *shape) in this order, on the CPU or another device."""
        count = self.steps * self.batch * self.neurons
        if count * dtype.itemsize < buffers.SMALL or not (device is None or device.type == "cpu"):
            return torch.empty_strided(*self._lies, dtype=dtype, device=device)
        return _lying(buffers.empty(count, dtype), *self._lies)

    def strides_of(self, a: Tensor) -> Strides | None:
        """Of a tensor (T, B, *shape) as a kernel can read it; None if it must be copied first."""
        return self._strides_of(a.shape, a.stride())

    @lru_cache(maxsize=1024)  # noqa: B019 - layouts are few
    def _strides_of(self, sizes: torch.Size, strides: tuple[int, ...]) -> Strides | None:
        if not any(stride for stride, size in zip(strides, sizes, strict=True) if size > 1):
            return Strides(0, 0, 0)
        step, row, *inner = strides
        if not _dense(inner, self.shape, self.order):
            return None
        if not self.batch_major and row != self.neurons and self.batch > 1:
            return None
        return Strides(step, row if self.batch_major else 0, 1)

    def readable(self, a: Tensor) -> tuple[Tensor, Strides]:
        """The tensor, copied into this order if need be, and its strides."""
        strides = self.strides_of(a)
        if strides is not None:
            return a, strides
        return self.empty(a.dtype, a.device).copy_(a), self.strides

    def state(self, s: Tensor) -> Tensor:
        """(B, *shape) as a flat, contiguous (B N,) in this order; a copy only where it must be."""
        plain = s.shape == (self.batch, *self.shape) and self.order == tuple(range(len(self.shape)))
        if plain and s.dtype == torch.float32 and s.is_contiguous():
            return s.detach().view(-1)
        s = s.detach().expand(self.batch, *self.shape).permute(0, *(1 + i for i in self.order))
        return s.to(torch.float32).contiguous().view(-1)

    def empty_state(self, device: torch.device | None = None) -> Tensor:
        """An uninitialised (B, *shape), float32, whose memory a kernel sees as `state` gives it."""
        size, strides = self._lies
        return torch.empty_strided(size[1:], (self.neurons, *strides[2:]), device=device)

    def vector(self, c: Tensor, device: torch.device | None = None) -> tuple[Tensor, int]:
        """A coefficient broadcast against (B, *shape), as (values, inner): neuron n has values[n // inner % size]

        One value a neuron, a channel of maps or a channel of channels-last maps needs no copy of itself. A device other
        than the coefficient's own gets a copy.
        """
        c = c.detach().to(device or c.device, torch.float32, non_blocking=True)
        if c.dim() > len(self.shape):  # each sample its own
            return self.state(c), 1
        c = c.reshape((1,) * (len(self.shape) - c.dim()) + tuple(c.shape)).permute(self.order)
        own = [i for i, size in enumerate(c.shape) if size > 1]
        first, last = (own[0], own[-1] + 1) if own else (0, 0)
        if tuple(c.shape[first:last]) != self._ordered[first:last]:  # shared in the middle
            return c.expand(self._ordered).contiguous().view(-1), 1
        return c.contiguous().view(-1), math.prod(self._ordered[last:])

    @cached_property
    def _ordered(self) -> tuple[int, ...]:
        return tuple(self.shape[i] for i in self.order)

    @cached_property
    def _lies(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Size and strides of (T, B, *shape) in this order."""
        inner = [math.prod(self._ordered[self.order.index(i) + 1 :]) for i in range(len(self.shape))]
        own = self.strides
        return (self.steps, self.batch, *self.shape), (own.step, own.row or self.neurons, *inner)


def layout_of(x: Tensor) -> Layout:
    """The layout of an input (T, B, *shape), and of everything made from it."""
    return _layout(x.shape, x.stride())


@lru_cache(maxsize=1024)
def _layout(sizes: torch.Size, strides: tuple[int, ...]) -> Layout:
    steps, batch, *shape = sizes
    _, row, *inner = strides
    standard = tuple(range(len(shape)))
    order = tuple(sorted(standard, key=lambda i: (-inner[i], i))) if all(inner) else standard
    dense = _dense(inner, shape, order)
    if not dense:
        order = standard
    neurons = math.prod(shape)
    batch_major = dense and batch > 1 and steps > 1 and 0 < strides[0] == neurons and row >= steps * neurons
    return Layout(steps, batch, tuple(shape), order, batch_major)


def _lying(flat: Tensor, size: tuple[int, ...], strides: tuple[int, ...]) -> Tensor:
    # The same memory, but no view to autograd: users may write into outputs and states.
    return torch.empty(0, dtype=flat.dtype, device=flat.device).set_(
        flat.untyped_storage(), flat.storage_offset(), size, strides
    )


def _dense(strides, shape, order) -> bool:
    expected = 1
    for i in reversed(order):
        if shape[i] > 1 and strides[i] != expected:
            return False
        expected *= shape[i]
    return True
