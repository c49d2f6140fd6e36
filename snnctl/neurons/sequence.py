"""A sequence (T, B, ...) taken apart into its steps and put together again, without transposing it in memory."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def precision(x: Tensor) -> torch.dtype:
    """The dtype that a state is computed in for input x: float64 for float64, else float32."""
    return torch.float64 if x.dtype == torch.float64 else torch.float32


def zeros(x0: Tensor) -> Tensor:
    """A state field of zeros for the input x0 (B, ...) of one step: its shape, device and strides, in its precision."""
    return torch.zeros_like(x0, dtype=precision(x0))


def unbind(x: Tensor) -> Sequence[Tensor]:
    """The T steps (B, ...) of x (T, B, ...), as views. One operation: backward stacks T gradients, once."""
    # Channels-last maps (T, B, C, H, W) are unbound as they lie in memory, for the sake of that stack in backward.
    if x.dim() == 5 and x.shape[2] > 1 and x.stride(2) == 1:
        return [step.movedim(-1, 1) for step in x.movedim(2, -1).unbind(0)]
    return x.unbind(0)


def stack(steps: Sequence[Tensor]) -> Tensor:
    """T steps (B, ...) as one (T, B, ...); channels-last steps stay channels-last."""
    first = steps[0]
    if first.dim() == 4 and first.shape[1] > 1 and first.stride(1) == 1:
        return torch.stack([step.movedim(1, -1) for step in steps]).movedim(-1, 2)
    return torch.stack(list(steps))
