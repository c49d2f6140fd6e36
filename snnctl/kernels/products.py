"""Products with spikes for compiled code, which calls the one compiled function by its address."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numba import cfunc, njit, types

from snnctl.kernels import gather
from snnctl.kernels.pointers import call_at

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
def add_outer(multiply, a, ones, b, cells, n, block, out, row0, row1):
    """out[j] += sum over cells m of a[m, j] b[m], for rows j in [row0, row1).

    Block after block of cells, so that their rows are read from the processor's cache.

    Args:
        multiply: its address.
        a, b: addresses of (cells, n) float32. ones: whether `a` holds zeros and ones alone.
        block: cells a block.
        out: address of (n, n) float32, added to.
    """
    rows = row1 - row0
    index, result = np.empty(rows * block, np.int32), out + 4 * row0 * n
    for m in range(0, cells, block):
        values, terms = a + 4 * (m * n + row0), b + 4 * m * n
        call_at(multiply, (values, 1, n, ones, rows, min(block, cells - m), terms, 0, n, result, n, result, n,
                           np.int64(index.ctypes.data)))  # fmt: skip
