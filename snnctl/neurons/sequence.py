"""How anything that runs over time takes a sequence (T, B, ...) apart and puts it together; in which precision."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def precision(x: Tensor) -> torch.dtype:
    """The dtype that a state is computed in for input x: float64 for float64, else float32.

    In bfloat16 a membrane with a long time constant would lose small inputs: 1 + 1/512 is 1.
    """
    return torch.float64 if x.dtype == torch.float64 else torch.float32


def zeros(x0: Tensor) -> Tensor:
    """A state field of zeros for the input x0 (B, ...) of one step: its shape, device and strides, in its precision."""
    return torch.zeros_like(x0, dtype=precision(x0))


def unbind(x: Tensor) -> Sequence[Tensor]:
    """The T steps (B, ...) of x (T, B, ...), as views, in one operation.

    Its backward stacks T gradients once; that of x[t] makes one as large as x at every step (9 times slower, T = 100).
    """
    return x.unbind(0)


def stack(steps: Sequence[Tensor]) -> Tensor:
    """T steps (B, ...) as one (T, B, ...)."""
    return torch.stack(list(steps))
