"""Lists turned around: from "which codes has a cell" to "which cells has a code"."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True, error_model="numpy")
def invert(index, offsets, codes, block, heads, cells, block0, block1):
    """Turn "which codes has a cell" into "which cells has a code", for every block of cells on its own.

    In block i the cells of code c are `cells[heads[i, c] : heads[i, c + 1]]`, in order. Where `heads` has room for a
    code more than `codes`, that last one occurs once in every cell.

    Args:
        index: (n,) int32, codes in [0, codes): not checked.
        offsets: (M + 1,) int64, the codes of cell m are index[offsets[m] : offsets[m + 1]].
        codes: K.
        block: cells a block.
        heads: (blocks, K + 1) or (blocks, K + 2) int64, filled.
        cells: (n,) or (n + M,) int32, filled.
        block0, block1: the blocks to do.
    """
    size = offsets.size - 1
    extra = heads.shape[1] - 1 - codes
    for i in range(block0, block1):
        head, low, high = heads[i], i * block, min(size, (i + 1) * block)
        at = offsets[low] + extra * low
        head[:] = 0
        for j in range(offsets[low], offsets[high]):
            head[np.uint32(index[j])] += 1  # unsigned: no test for an index from the end, half the time
        for c in range(codes):  # the ends, which move down to the beginnings as the cells are put in
            at += head[c]
            head[c] = at
        head[codes] = at
        for m in range(high - 1, low - 1, -1):
            for j in range(offsets[m], offsets[m + 1]):
                c = np.uint32(index[j])
                last = head[c] - 1
                head[c] = last
                cells[np.uint64(last)] = m
        if extra:
            for m in range(low, high):
                cells[at + m - low] = m
            head[codes + 1] = at + high - low
