"""Products with spikes for compiled code, which calls the one compiled function by its address."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numba import cfunc, njit, types
from torch import Tensor

from snnctl.kernels import gather, threads
from snnctl.kernels.pointers import call_at

ROWS = 512  # of a result at once
BLOCK = 384 << 10  # bytes of rows that stay in a second-level cache (512 KB and more) beside the rest


def multiply() -> int:
    """The address of `snnctl.kernels.gather.multiply`, compiled at the first call; its arguments are all int64.

    So it is compiled once, and not into every kernel that calls it.
    """
    return _compiled().address


@cache
def _compiled() -> Any:
    integers = types.void(*[types.int64] * gather.multiply.__code__.co_argcount)
    return cfunc(integers, cache=True, error_model="numpy")(gather.multiply)


def pack(w: np.ndarray) -> np.ndarray:
    """A matrix (K, N) as `multiply` reads it fastest: a few columns of all rows, then the next few."""
    parts, begin = [], 0
    for count in (gather.WIDE, 16, 4, 1):
        end = begin + (w.shape[1] - begin) // count * count
        parts.append(w[:, begin:end].reshape(len(w), -1, count).swapaxes(0, 1).ravel())
        begin = end
    return np.concatenate(parts)


@njit(cache=True, nogil=True, error_model="numpy")
def add_outer(multiply, a, ones, b, cells, k, n, block, out, row0, row1):
    """out[j] += sum over cells m of a[m, j] b[m], for rows j in [row0, row1).

    Block after block of cells, so that their rows are read from the processor's cache.

    Args:
        multiply: its address.
        a, b: addresses of (cells, k) and (cells, n) float32. ones: whether `a` holds zeros and ones alone.
        block: cells a block.
        out: address of (k, n) float32, added to.
    """
    index = np.empty(min(ROWS, row1 - row0) * block, np.int32)
    for m in range(0, cells, block):
        for row in range(row0, row1, ROWS):
            values, terms, result = a + 4 * (m * k + row), b + 4 * m * n, out + 4 * row * n
            call_at(multiply, (values, 1, k, ones, min(ROWS, row1 - row), min(block, cells - m), terms, 0, n,
                               result, n, result, n, np.int64(index.ctypes.data)))  # fmt: skip


def outer_sum(a: Tensor, b: Tensor, ones: bool, out: Tensor) -> Tensor:
    """out + sum over cells m of a[m] b[m]^T, in place; few values of `a` that are not zero cost little.

    Args:
        a: (M, K), b: (M, N), float32 on the CPU. out: (K, N), likewise, contiguous.
        ones: whether `a` holds zeros and ones alone.

    Returns:
        out; the same bits with any number of threads: each owns rows of it.
    """
    (cells, k), n, a, b = a.shape, b.shape[1], a.contiguous(), b.contiguous()
    given = multiply(), a.data_ptr(), ones, b.data_ptr(), cells, k, n, max(1, BLOCK // (4 * n)), out.data_ptr()
    threads.run(lambda first, stop: add_outer(*given, first, stop), k, cells * n)
    return out
