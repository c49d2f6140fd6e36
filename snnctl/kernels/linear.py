"""A linear layer by products of our own: rows of the weights are added where few inputs are not zero."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numba import njit
from torch import Tensor

from snnctl.kernels import buffers, threads
from snnctl.kernels.gather import WIDE
from snnctl.kernels.pointers import call_at
from snnctl.kernels.products import multiply, outer_sum, pack

ROWS = 64  # in one call: their lists of what is not zero stay in the cache


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None, spikes: bool = False) -> Tensor:
    """y[m] = bias + W x[m], as torch.nn.functional.linear but for the order in which float32 is summed.

    A row's result does not depend on the other rows. The same bits with any number of threads. Differentiable any
    number of times.

    Args:
        x: (M, K) float32 on the CPU.
        weight: (N, K) float32. bias: (N,) float32.
        spikes: whether x is mostly zero; the gradient of the weights is then a sum over what is not.

    Returns:
        (M, N) float32.
    """
    return _Linear.apply(x, weight, bias, spikes)


@cache
def outruns_torch() -> bool:
    """Whether dense products take less time here than torch's, whose library uses half of the vector width on AMD.

    Measured on Zen 5, one thread, 8,000 x 512 x 512: forward 2.2 times, gradient of the weights 1.8 times as fast as
    MKL 2024.2, and much the same from 64 x 784 x 128 to 8,000 x 2,048 x 2,048.
    """
    try:
        return WIDE == 64 and torch.backends.mkl.is_available() and "AuthenticAMD" in Path("/proc/cpuinfo").read_text()
    except OSError:
        return False


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, spikes: bool) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.spikes = spikes
        return _product(x.detach(), weight.detach(), bias)

    @staticmethod
    def backward(ctx: Any, d_y: Tensor):
        x, weight = ctx.saved_tensors
        own = not torch.is_grad_enabled()  # else the gradient is to be differentiated itself
        d_x = d_weight = d_bias = None
        if ctx.needs_input_grad[0]:
            d_x = _product(d_y, weight.t()) if own and outruns_torch() else d_y @ weight
        if ctx.needs_input_grad[1]:
            d_weight = _weight_gradient(x, d_y, ctx.spikes) if own else d_y.t() @ x
        if ctx.needs_input_grad[2]:
            d_bias = d_y.sum(0)
        return d_x, d_weight, d_bias, None


def _product(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    (cells, depth), width, x = x.shape, len(weight), x.contiguous()
    packed = pack(weight.t().numpy())
    start = torch.zeros(width) if bias is None else bias.detach().contiguous()
    y = buffers.empty(cells * width)
    given = (multiply(), x.data_ptr(), depth, packed.ctypes.data, width, start.data_ptr(), y.data_ptr())
    threads.run(lambda first, stop: _rows(*given, first, stop), cells, cells * depth * width // 16)
    return y.view(cells, width)


def _weight_gradient(x: Tensor, d_y: Tensor, spikes: bool) -> Tensor:
    if spikes:
        return outer_sum(x, d_y, False, torch.zeros(x.shape[1], d_y.shape[1])).t()
    return outer_sum(d_y, x, False, torch.zeros(d_y.shape[1], x.shape[1]))


@njit(cache=True, nogil=True, error_model="numpy")
def _rows(multiply, x, depth, w, width, start, y, row0, row1):
    index = np.empty(ROWS * depth, np.int32)
    for m in range(row0, row1, ROWS):
        call_at(multiply, (x + 4 * m * depth, depth, 1, 0, min(ROWS, row1 - m), depth, w, 1, width, start, 0,
                           y + 4 * m * width, width, np.int64(index.ctypes.data)))  # fmt: skip
