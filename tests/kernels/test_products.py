"""Products with spikes: torch's own, the same bits however rows are grouped, few terms and many."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from snnctl.kernels import gather
from snnctl.kernels.products import add_outer, multiply, pack


def product(a: np.ndarray, w: np.ndarray, start: np.ndarray, *, packed: bool, ones: bool, group: int) -> np.ndarray:
    """start + a w, `group` rows a call; a (Q, K) in any order of memory, w (K, N), start (Q, N)."""
    call = ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * gather.multiply.__code__.co_argcount)(multiply())
    depth, width = w.shape
    out, index = np.full((len(a) + 1, width), 7, np.float32), np.empty(max(group * depth, 1), np.int32)
    terms = pack(w) if packed else np.ascontiguousarray(w)
    row, column = (stride // 4 for stride in a.strides)
    for q in range(0, len(a), group):
        call(a[q:].ctypes.data, row, column, ones, min(group, len(a) - q), depth, terms.ctypes.data, packed, width,
             start[q:].ctypes.data, start.strides[0] // 4, out[q:].ctypes.data, width, index.ctypes.data)  # fmt: skip
    assert (out[-1] == 7).all(), "written past the end"
    return out[:-1]


def spikes(rows: int, depth: int, rate: float, seed: int) -> np.ndarray:
    return (np.random.default_rng(seed).random((rows, depth)) < rate).astype(np.float32)


@settings(max_examples=120, deadline=None)
@given(
    rows=st.integers(1, 13), depth=st.integers(1, 140), width=st.sampled_from([1, 3, 4, 15, 16, 20, 63, 64, 85, 150]),
    rate=st.sampled_from([0.0, 0.05, 0.4, 0.6, 1.0]), binary=st.booleans(), columns=st.booleans(),
    seed=st.integers(0, 9),
)  # fmt: skip
def test_it_is_the_product_and_its_bits_depend_on_nothing_but_the_values(
    rows, depth, width, rate, binary, columns, seed
):
    rng = np.random.default_rng(seed)
    a = spikes(rows, depth, rate, seed) * (1 if binary else rng.normal(size=(rows, depth)).astype(np.float32))
    a = np.asfortranarray(a) if columns and rows > 1 and depth > 1 else np.ascontiguousarray(a)
    w, start = (rng.normal(size=size).astype(np.float32) for size in ((depth, width), (rows, width)))
    expected = start + a.astype(np.float64) @ w
    whole = product(a, w, start, packed=True, ones=False, group=rows)
    np.testing.assert_allclose(whole, expected, rtol=1e-5, atol=1e-5)
    for packed in (True, False):
        for ones in {False, binary}:
            for group in (1, 3, 4, rows):
                again = product(a, w, start, packed=packed, ones=ones, group=group)
                assert np.array_equal(again, whole), (packed, ones, group)


def test_one_start_for_all_rows():
    a, w = spikes(6, 20, 0.3, 0), np.ones((20, 9), np.float32)
    start = np.broadcast_to(np.arange(9, dtype=np.float32), (6, 9))
    found = product(a, w, start, packed=True, ones=True, group=6)
    np.testing.assert_array_equal(found, start + a.sum(1, keepdims=True))


@pytest.mark.parametrize("rate", [0.0, 0.05, 0.5, 1.0])
@pytest.mark.parametrize(("k", "n"), [(1, 1), (20, 20), (70, 20), (20, 70)])
def test_outer_products_in_blocks_and_shares(rate, k, n):
    a = torch.from_numpy(spikes(50, k, rate, 1))
    b, out = torch.randn(50, n), torch.randn(k, n)
    expected = out.double() + a.t().double() @ b.double()
    results = []
    for block, edges in ((7, [0, k]), (7, [0, k // 3, k]), (50, [0, k])):
        for ones in (True, False):
            own = out.clone()
            for row0, row1 in zip(edges, edges[1:], strict=False):
                add_outer(multiply(), a.data_ptr(), ones, b.data_ptr(), 50, k, n, block, own.data_ptr(), row0, row1)
            torch.testing.assert_close(own.double(), expected, rtol=1e-5, atol=1e-5)
            results.append((block, own))
    assert all(torch.equal(own, results[0][1]) for block, own in results if block == 7)
