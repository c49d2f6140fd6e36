"""Event-driven sums in float32, one source after the other, as the generated C has them."""

from __future__ import annotations

from functools import cache

import numpy as np
from numba import njit
from numpy import ndarray

from snnctl.targets.mcu.wiring import Taps, Wiring


@cache
def tables(w: Wiring) -> tuple[ndarray, ndarray, ndarray, ndarray]:
    """The taps of rows and columns as arrays: (n, 2), and where those of each place begin."""
    return (*flat(w.rows), *flat(w.columns))


def flat(taps: Taps) -> tuple[ndarray, ndarray]:
    """All taps in a row (n, 2), and where those of each place begin, (places + 1,)."""
    begins = np.cumsum([0, *map(len, taps)])
    return np.array([t for each in taps for t in each], np.int64).reshape(-1, 2), begins


def scatter(kind, values, weights, a, source, target, shape, groups, where) -> None:
    """Add to a (M, size) what values (M, n) send; the other arguments are a `Wiring`'s, weights being flat."""
    if kind == "conv":
        _conv(values, weights, a, source, target, shape, groups, *where)
    elif kind == "dense":
        _dense(values, weights, a, source, target, *where)
    else:
        _same(values, weights, a)


@njit(error_model="numpy", nogil=True)
def _same(values, weights, a):
    one = len(weights) == 1
    for m in range(len(values)):
        for j in range(values.shape[1]):
            if values[m, j] != 0:
                a[m, j] += values[m, j] * weights[0 if one else j]


@njit(error_model="numpy", nogil=True)
def _dense(values, weights, a, source, target, rows, rows_at, columns, columns_at):
    size = a.shape[1]
    for m in range(len(values)):
        for j in range(values.shape[1]):
            n = values[m, j]
            if n == 0:
                continue
            c, y, x = j // (source[1] * source[2]), j // source[2] % source[1], j % source[2]
            for r in range(rows_at[y], rows_at[y + 1]):
                for q in range(columns_at[x], columns_at[x + 1]):
                    row = (c * target[1] + rows[r, 0]) * target[2] + columns[q, 0]
                    for k in range(size):
                        a[m, k] += n * weights[row * size + k]


@njit(error_model="numpy", nogil=True)
def _conv(values, weights, a, source, target, shape, groups, rows, rows_at, columns, columns_at):
    area, group = target[1] * target[2], shape[3]
    for m in range(len(values)):
        for j in range(values.shape[1]):
            n = values[m, j]
            if n == 0:
                continue
            c, y, x = j // (source[1] * source[2]), j // source[2] % source[1], j % source[2]
            first = c // (source[0] // groups) * group * area
            for r in range(rows_at[y], rows_at[y + 1]):
                for q in range(columns_at[x], columns_at[x + 1]):
                    at = first + rows[r, 0] * target[2] + columns[q, 0]
                    w = ((c * shape[1] + rows[r, 1]) * shape[2] + columns[q, 1]) * group
                    for k in range(group):
                        a[m, at + k * area] += n * weights[w + k]
