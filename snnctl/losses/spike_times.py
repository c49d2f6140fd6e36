"""Times of spikes out of spike trains, with the gradient -1 at the spike."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from snnctl.losses.loss import valid


def spike_times(out: Tensor, fired: Tensor, length: Tensor, n: int = 1) -> Tensor:
    """When each output neuron fires for the first, second ... n-th time.

        t_k = time of the k-th spike, T_b - 1 where there are fewer;    d t_k / d out[t] = -1 at t = t_k, else 0

    More drive makes a spike earlier: that much of the true derivative is kept.

    Args:
        out: (T, B, C), what the gradient goes to.
        fired: (T, B, C) bool, where out spikes.
        length: (B,) valid steps.
        n: spikes wanted.

    Returns:
        (n, B, C) float32, steps.

    Source: Eshraghian et al. 2023, doi 10.1109/JPROC.2023.3308088, section V.
    """
    return _Times.apply(out, fired & valid(out, length), length, n)


class _Times(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, out: Tensor, fired: Tensor, length: Tensor, n: int) -> Tensor:
        rank = fired.cumsum(0)
        last = (length.to(out.device).clamp(min=1, max=out.shape[0]) - 1)[:, None]
        hits = torch.stack([fired & (rank == k + 1) for k in range(n)])  # (n, T, B, C), one at most over T
        times = torch.where(hits.any(1), hits.to(torch.uint8).argmax(1), last)
        ctx.save_for_backward(times)
        ctx.like = out.shape, out.dtype
        return times.float()

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        (times,) = ctx.saved_tensors
        shape, dtype = ctx.like
        return grad.new_zeros(shape).scatter_add_(0, times, -grad).to(dtype), None, None, None
