"""A linear layer on a list of events: the rows of the weights that the events name, added up."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from snnctl.errors import UserError
from snnctl.kernels import buffers, threads
from snnctl.kernels.backend import multiplies

# Measured beside F.linear, 700 -> 256 on Zen 4, one thread: forward and gradients take as long at 50 % events (half as
# long where the list would first be made dense), and with few events as long at 48 cells, which share one copy of the
# weights.
CROSSOVER = 0.5
CELLS = 48
BLOCK = 384 << 10  # bytes of output gradient that stay in a second-level cache (512 KB and more) beside the rest
PARTS = 61  # shares of the codes that threads take; a prime, so that no share is a column of the sensor


def event_linear(codes: Tensor, offsets: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """y[m] = bias + sum over the events j of cell m, offsets[m] <= j < offsets[m + 1], of weight[:, codes[j]].

    As torch.nn.functional.linear on the event counts, but for the order in which float32 is summed: here first the
    events of a cell, in order, then the bias; the gradients by blocks of cells. The same bits with any number of
    threads. Differentiable any number of times in weight and bias; autocast does not lower its precision.

    Args:
        codes: (n,) int32 or int64 on the CPU, inputs in [0, K); one listed twice counts twice.
        offsets: (M + 1,) int64, from 0 to n.
        weight: (N, K) float32 on the CPU.
        bias: (N,) float32.

    Returns:
        (M, N) float32.

    Raises:
        UserError: the list is not one, or names an input that the weights have not.
    """
    codes, offsets = _checked(codes, offsets, weight.shape[1])
    return _EventProduct.apply(weight, bias, codes, offsets)


def pays(events: int, cells: int, weight: Tensor) -> bool:
    """Whether `event_linear` runs with these weights, and sooner than the dense product.

    Args:
        events: n. cells: M. weight: (N, K).
    """
    return multiplies(weight) and weight.numel() > 0 and events <= CROSSOVER * (cells - CELLS) * weight.shape[1]


class _EventProduct(torch.autograd.Function):
    """The product; its backward pass is its adjoint, and the other way round, so any derivative is one of the two."""

    @staticmethod
    def forward(ctx, weight: Tensor, bias: Tensor | None, codes: Tensor, offsets: Tensor) -> Tensor:
        ctx.save_for_backward(codes, offsets)
        ctx.codes, ctx.biased = weight.shape[1], bias is not None
        return _product(codes, offsets, weight.detach(), bias)

    @staticmethod
    def backward(ctx, gradient: Tensor):
        codes, offsets = ctx.saved_tensors
        d_weight, d_bias = _EventAdjoint.apply(gradient, codes, offsets, ctx.codes, ctx.biased)
        return d_weight, d_bias, None, None


class _EventAdjoint(torch.autograd.Function):
    @staticmethod
    def forward(ctx, gradient: Tensor, codes: Tensor, offsets: Tensor, inputs: int, biased: bool):
        ctx.save_for_backward(codes, offsets)
        return _adjoint(codes, offsets, gradient.detach(), inputs, biased)

    @staticmethod
    def backward(ctx, d_weight: Tensor, d_bias: Tensor | None):
        return _EventProduct.apply(d_weight, d_bias, *ctx.saved_tensors), None, None, None, None


def _product(codes: Tensor, offsets: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    from snnctl.kernels.gather import gather  # imports Numba, which a network on frames does without

    width, cells = weight.shape[0], len(offsets) - 1
    rows = weight.t().contiguous().view(-1).numpy()
    start = torch.zeros(width) if bias is None else bias.detach().to(torch.float32).contiguous()
    index, bounds, start = codes.numpy(), offsets.numpy(), start.numpy()
    y = buffers.empty(cells * width)
    out = y.numpy()
    threads.run(
        lambda m0, m1: gather(rows, width, index, bounds, start, out, m0, m1),
        cells,
        (len(codes) + cells) * width,
    )
    return y.view(cells, width)


def _adjoint(
    codes: Tensor, offsets: Tensor, gradient: Tensor, inputs: int, biased: bool
) -> tuple[Tensor, Tensor | None]:
    from snnctl.kernels.gather import gather_inverted
    from snnctl.kernels.inverted import invert

    cells, width = gradient.shape
    rows, index, bounds = gradient.contiguous().view(-1).numpy(), codes.numpy(), offsets.numpy()
    size = max(1, BLOCK // (4 * max(width, 1)))
    blocks, lines = -(-cells // size), inputs + biased  # the bias is an input that has an event in every cell
    heads = np.empty((blocks, lines + 1), np.int64)
    listed = np.empty(len(index) + biased * cells, np.int32)
    threads.run(lambda i, j: invert(index, bounds, inputs, size, heads, listed, i, j), blocks, 4 * len(listed))
    d_rows = torch.zeros(lines, width)
    out = d_rows.view(-1).numpy()
    threads.run(lambda i, j: gather_inverted(rows, width, listed, heads, out, PARTS, i, j), PARTS, len(listed) * width)
    return d_rows[:inputs].t().contiguous(), d_rows[inputs].clone() if biased else None


def _checked(codes: Tensor, offsets: Tensor, inputs: int) -> tuple[Tensor, Tensor]:
    """The list as the kernels take it; they read and write where it says, so it is looked at first."""
    bounds = offsets.numpy()
    if not len(bounds) or bounds[0] or bounds[-1] != len(codes) or (bounds[1:] < bounds[:-1]).any():
        raise UserError(
            f"a list of {len(codes)} events has offsets that do not rise from 0 to {len(codes)}",
            "offsets[m] to offsets[m + 1] are the events of cell m = t * B + b",
        )
    low, high = (int(c) for c in codes.aminmax()) if len(codes) else (0, 0)
    if low < 0 or high >= max(inputs, 1):
        wrong = low if low < 0 else high
        raise UserError(f"an event has the code {wrong}, the layer has the inputs 0 to {inputs - 1}")
    return codes.to(torch.int32).contiguous(), offsets.to(torch.int64).contiguous()
