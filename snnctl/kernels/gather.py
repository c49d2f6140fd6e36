"""Sums of matrix rows that a list names: what a product with spikes comes to."""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

LANES = 16  # floats of one vector value; a machine with narrower registers takes several
INT = ir.IntType(64)


@intrinsic
def _add_panel(typing, rows, width, column, index, first, last, start, s, out, o, columns):
    """`add_rows` for the literal number of columns from `column` on.

    Written in LLVM's terms because its vectorizer, given a loop over rows and one over columns, keeps the sums in
    memory: 2.5 times the time at 1 % events, 1.5 times at 5 %.
    """
    flat = types.Array(types.float32, 1, "C")
    fits = rows == start == out == flat and index == types.Array(types.int32, 1, "C")
    if not (fits and isinstance(columns, types.IntegerLiteral)):
        return None
    lanes = min(columns.literal_value, LANES)
    vector = ir.VectorType(ir.FloatType(), lanes)

    def vectors(builder, pointer):
        offsets = range(0, columns.literal_value, lanes)
        return [builder.bitcast(builder.gep(pointer, [INT(at)]), vector.as_pointer()) for at in offsets]

    def generate(context, builder, signature, args):
        def data(k):
            return context.make_array(signature.args[k])(context, builder, args[k]).data

        rows, index, start, out = (data(k) for k in (0, 3, 6, 8))
        width, column, first, last, s, o = (args[k] for k in (1, 2, 4, 5, 7, 9))
        before, sum_up, after = builder.block, builder.append_basic_block(), builder.append_basic_block()
        zero = ir.Constant(vector, [0.0] * lanes)
        builder.cbranch(builder.icmp_signed("<", first, last), sum_up, after)

        builder.position_at_end(sum_up)
        j = builder.phi(INT)
        sums = [builder.phi(vector) for _ in range(columns.literal_value // lanes)]
        row = builder.sext(builder.load(builder.gep(index, [j])), INT)
        here = builder.gep(rows, [builder.add(builder.mul(row, width), column)])
        added = [builder.fadd(a, builder.load(p, align=4)) for a, p in zip(sums, vectors(builder, here), strict=True)]
        following = builder.add(j, INT(1))
        builder.cbranch(builder.icmp_signed("<", following, last), sum_up, after)
        j.add_incoming(first, before)
        j.add_incoming(following, sum_up)

        builder.position_at_end(after)
        totals = [builder.phi(vector) for _ in sums]
        for a, new, total in zip(sums, added, totals, strict=True):
            a.add_incoming(zero, before)
            a.add_incoming(new, sum_up)
            total.add_incoming(zero, before)
            total.add_incoming(new, sum_up)
        begin = vectors(builder, builder.gep(start, [builder.add(s, column)]))
        end = vectors(builder, builder.gep(out, [builder.add(o, column)]))
        for total, p, q in zip(totals, begin, end, strict=True):
            builder.store(builder.fadd(builder.load(p, align=4), total), q, align=4)
        return context.get_dummy_value()

    integer = types.int64
    return types.void(flat, integer, integer, index, integer, integer, flat, integer, flat, integer, columns), generate


@njit(cache=True, nogil=True, error_model="numpy")
def add_rows(rows, width, index, first, last, start, s, out, o):
    """out[o + k] = start[s + k] + sum over j in [first, last) of rows[index[j] * width + k], for k < width.

    The rows are summed in the order of the list, then added to `start`, the same on every machine. All arrays are flat
    and contiguous, because a slice of a row costs more than the sum of a few.

    Args:
        rows: (R * width,) float32.
        width: columns N.
        index: (n,) int32, numbers of rows in [0, R): not checked.
        first, last: the part of `index` to add; may be empty.
        start, s: float32, what to add to and where it begins; may be `out` at `o`.
        out, o: float32, where the result goes.
    """
    k = 0
    while k + 64 <= width:
        _add_panel(rows, width, k, index, first, last, start, s, out, o, 64)
        k += 64
    while k + 16 <= width:
        _add_panel(rows, width, k, index, first, last, start, s, out, o, 16)
        k += 16
    while k + 4 <= width:
        _add_panel(rows, width, k, index, first, last, start, s, out, o, 4)
        k += 4
    while k < width:
        _add_panel(rows, width, k, index, first, last, start, s, out, o, 1)
        k += 1


# The kernels that use add_rows stand in its file: Numba's disk cache does not see a change in another one.


@njit(cache=True, nogil=True, error_model="numpy")
def gather(rows, width, index, offsets, start, out, cell0, cell1):
    """out[m] = start + sum of rows[index[j]] over j in [offsets[m], offsets[m + 1]), for cells m in [cell0, cell1).

    Args:
        rows, width, index: as of `add_rows`.
        offsets: (M + 1,) int64.
        start: (width,) float32.
        out: (M * width,) float32.
    """
    for m in range(cell0, cell1):
        add_rows(rows, width, index, offsets[m], offsets[m + 1], start, 0, out, m * width)


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


@njit(cache=True, nogil=True, error_model="numpy")
def gather_inverted(rows, width, cells, heads, out, parts, part0, part1):
    """out[c] += sum of rows[m] over the cells m of code c, for codes c whose remainder by `parts` is in [part0, part1).

    Block after block, so that the rows of a block are read from the processor's cache: a code's sum is that of its
    blocks, whoever adds them up.

    Args:
        rows: (M * width,) float32. width: columns N.
        cells, heads: from `invert`.
        out: (codes * width,) float32, added to.
        parts: how many shares of about equal work the codes are dealt into.
    """
    codes = heads.shape[1] - 1
    for i in range(heads.shape[0]):
        for deal in range(0, codes, parts):
            for c in range(deal + part0, min(deal + part1, codes)):
                if heads[i, c] < heads[i, c + 1]:
                    add_rows(rows, width, cells, heads[i, c], heads[i, c + 1], out, c * width, out, c * width)
