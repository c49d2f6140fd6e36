"""Sums of matrix rows: those that a list names, what a product with spikes comes to, or all of them where many fire."""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import carray, njit, types
from numba.core import cgutils
from numba.core.codegen import get_host_cpu_features
from numba.extending import intrinsic

from snnctl.kernels.pointers import ALL, float32_at, int32_at

LANES = 16  # floats of one vector value; a machine with narrower registers takes several
ROWS = 4  # of a dense product at once
# Columns at once, as many as there are registers for the sums of ROWS rows. Measured: 95 % of a core's peak.
WIDE = 64 if "+avx512f" in get_host_cpu_features() else 16
DENSE = 0.5  # share of weights that are not zero from which a dense product is faster (measured: N = 128 to 1024)
INT, BIT = ir.IntType(64), ir.IntType(1)
FLAT, LIST = types.Array(types.float32, 1, "C"), types.Array(types.int32, 1, "C")
ARGUMENTS = {"w": FLAT, "here": types.int64, "pitch": types.int64, "index": LIST, "first": types.int64,
             "last": types.int64, "a": FLAT, "at": types.int64, "row": types.int64, "column": types.int64,
             "start": FLAT, "s": types.int64, "s_row": types.int64, "out": FLAT, "o": types.int64,
             "o_row": types.int64}  # fmt: skip


def _tile(rows: int, listed: bool, weighted: bool):
    """The sums of a few columns over rows of `w`, kept in registers, for r < `rows` rows of a result:

        out[o + r o_row + i] = start[s + r s_row + i] + sum over k of a[at + r row + k column] w[here + k pitch + i]

    Written in LLVM's terms because its vectorizer, given a loop over rows and one over columns, keeps the sums in
    memory: 2.5 times the time at 1 % events, 1.5 times at 5 %.

    Args:
        rows: of the result.
        listed: k is index[first] to index[last - 1]; else first to last - 1.
        weighted: multiply with `a`, fused; else add.

    Returns:
        A function of Numba code; its arguments are `ARGUMENTS` and the columns, a literal number.
    """

    @intrinsic
    def tile(typing, w, here, pitch, index, first, last, a, at, row, column, start, s, s_row, out, o, o_row, columns):
        arrays = {"w": w, "index": index, "a": a, "start": start, "out": out}
        if any(kind != ARGUMENTS[n] for n, kind in arrays.items()) or not isinstance(columns, types.IntegerLiteral):
            return None
        lanes = min(columns.literal_value, LANES)
        parts, vector = range(0, columns.literal_value, lanes), ir.VectorType(ir.FloatType(), lanes)
        zero = ir.Constant(vector, None)

        def generate(context, builder, signature, args):
            given = dict(zip(ARGUMENTS, args, strict=False))
            data = {n: context.make_array(ARGUMENTS[n])(context, builder, given[n]).data for n in arrays}
            add_product = cgutils.get_or_insert_function(
                builder.module, ir.FunctionType(vector, [vector] * 3), f"llvm.fmuladd.v{lanes}f32"
            )

            def vectors(array, offset, step, pitch):
                head = builder.gep(data[array], [builder.add(given[offset], builder.mul(step, given[pitch]))])
                return [builder.bitcast(builder.gep(head, [INT(i)]), vector.as_pointer()) for i in parts]

            def spread(pointer):
                one = builder.insert_element(zero, builder.load(pointer), ir.Constant(ir.IntType(32), 0))
                return builder.shuffle_vector(one, zero, ir.Constant(ir.VectorType(ir.IntType(32), lanes), None))

            lines = [builder.gep(data["a"], [builder.add(given["at"], builder.mul(INT(r), given["row"]))])
                     for r in range(rows)]  # fmt: skip
            before, sum_up, after = builder.block, builder.append_basic_block(), builder.append_basic_block()
            builder.cbranch(builder.icmp_signed("<", given["first"], given["last"]), sum_up, after)

            builder.position_at_end(sum_up)
            j = builder.phi(INT)
            sums = [[builder.phi(vector) for _ in parts] for _ in lines]
            k = builder.sext(builder.load(builder.gep(data["index"], [j])), INT) if listed else j
            terms = [builder.load(p, align=4) for p in vectors("w", "here", k, "pitch")]
            added = []
            for line, own in zip(lines, sums, strict=True):
                if weighted:
                    weight = spread(builder.gep(line, [builder.mul(k, given["column"])]))
                    added.append([builder.call(add_product, [weight, *pair]) for pair in zip(terms, own, strict=True)])
                else:
                    added.append([builder.fadd(total, term) for term, total in zip(terms, own, strict=True)])
            following = builder.add(j, INT(1))
            builder.cbranch(builder.icmp_signed("<", following, given["last"]), sum_up, after)
            j.add_incoming(given["first"], before)
            j.add_incoming(following, sum_up)

            builder.position_at_end(after)
            totals = [[builder.phi(vector) for _ in parts] for _ in lines]
            for r in range(rows):
                for own, new, total in zip(sums[r], added[r], totals[r], strict=True):
                    for value in (own, total):
                        value.add_incoming(zero, before)
                        value.add_incoming(new, sum_up)
            for r, line in enumerate(totals):
                ends = zip(vectors("start", "s", INT(r), "s_row"), vectors("out", "o", INT(r), "o_row"), strict=True)
                for (p, q), total in zip(ends, line, strict=True):
                    builder.store(builder.fadd(builder.load(p, align=4), total), q, align=4)
            return context.get_dummy_value()

        return types.void(*ARGUMENTS.values(), columns), generate

    return tile


_add = _tile(1, listed=True, weighted=False)
_add_weighted = _tile(1, listed=True, weighted=True)
_multiply = _tile(ROWS, listed=False, weighted=True)


@intrinsic
def _nonzero(typing, a, at, count):
    """Bits of a[at] to a[at + count - 1] that are not zero, the first one lowest; `count` is a literal number to 64."""
    if not isinstance(count, types.IntegerLiteral):
        return None
    lanes = count.literal_value

    def generate(context, builder, signature, args):
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        vector = ir.VectorType(ir.FloatType(), lanes)
        values = builder.load(builder.bitcast(builder.gep(data, [args[1]]), vector.as_pointer()), align=4)
        bits = builder.bitcast(builder.fcmp_unordered("!=", values, ir.Constant(vector, None)), ir.IntType(lanes))
        return bits if lanes == 64 else builder.zext(bits, INT)

    return types.int64(a, types.int64, count), generate


@intrinsic
def _lowest(typing, bits):
    """Which bit is the lowest that is set."""
    return types.int64(types.int64), lambda context, builder, signature, args: builder.cttz(args[0], BIT(1))


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
        _add(rows, k, width, index, first, last, rows, 0, 0, 0, start, s + k, 0, out, o + k, 0, 64)
        k += 64
    while k + 16 <= width:
        _add(rows, k, width, index, first, last, rows, 0, 0, 0, start, s + k, 0, out, o + k, 0, 16)
        k += 16
    while k + 4 <= width:
        _add(rows, k, width, index, first, last, rows, 0, 0, 0, start, s + k, 0, out, o + k, 0, 4)
        k += 4
    while k < width:
        _add(rows, k, width, index, first, last, rows, 0, 0, 0, start, s + k, 0, out, o + k, 0, 1)
        k += 1


# What uses these functions stands in their file: Numba's disk cache does not see a change in another one.


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
def gather_inverted(rows, width, cells, heads, out, parts, part0, part1):
    """out[c] += sum of rows[m] over the cells m of code c, for codes c whose remainder by `parts` is in [part0, part1).

    Block after block, so that the rows of a block are read from the processor's cache: a code's sum is that of its
    blocks, whoever adds them up.

    Args:
        rows: (M * width,) float32. width: columns N.
        cells, heads: from `snnctl.kernels.inverted.invert`.
        out: (codes * width,) float32, added to.
        parts: how many shares of about equal work the codes are dealt into.
    """
    codes = heads.shape[1] - 1
    for i in range(heads.shape[0]):
        for deal in range(0, codes, parts):
            for c in range(deal + part0, min(deal + part1, codes)):
                if heads[i, c] < heads[i, c + 1]:
                    add_rows(rows, width, cells, heads[i, c], heads[i, c + 1], out, c * width, out, c * width)


def multiply(a, row, column, ones, rows, depth, w, packed, width, start, s_row, out, o_row, index):
    """out[q] = start[q] + sum over k < depth of a[q, k] w[k], for rows q < `rows` of `width` columns.

    Summed in the order of k, fused multiply-added, and then added to `start`. Zeros of `a` are left out where they are
    many, which changes no bit of a finite sum; nor does it matter how many rows are done in one call. It is called by
    the address that `snnctl.kernels.products` has.

    Args:
        a, w, start, out, index: addresses, float32.
        row, column: a[q, k] is q row + k column further on; one of them is 1.
        ones: whether `a` holds zeros and ones alone.
        packed: whether w is as `products.pack` gives it; else w[k] is k width further on.
        s_row, o_row: start[q] is q s_row further on, out[q] q o_row; they may be the same memory.
        index: of rows * depth int32, to work in.
    """
    a, w, start = carray(float32_at(a), (ALL,)), carray(float32_at(w), (ALL,)), carray(float32_at(start), (ALL,))
    out, index, ends = carray(float32_at(out), (ALL,)), carray(int32_at(index), (ALL,)), np.zeros(rows, np.int64)
    if column == 1:
        _list_rows(a, row, rows, depth, index, ends)
    else:
        _list_columns(a, column, rows, depth, index, ends)
    c = _columns(a, row, column, ones, rows, depth, w, packed, width, start, s_row, out, o_row, index, ends, 0, WIDE)
    c = _columns(a, row, column, ones, rows, depth, w, packed, width, start, s_row, out, o_row, index, ends, c, 16)
    c = _columns(a, row, column, ones, rows, depth, w, packed, width, start, s_row, out, o_row, index, ends, c, 4)
    _columns(a, row, column, ones, rows, depth, w, packed, width, start, s_row, out, o_row, index, ends, c, 1)


@njit(error_model="numpy", inline="always")
def _columns(a, row, column, ones, rows, depth, w, packed, width, start, s_row, out, o_row, index, ends, c, count):
    while c + count <= width:
        here, pitch = (c * depth, count) if packed else (c, width)
        for q in range(0, rows, ROWS):
            last = min(q + ROWS, rows)
            if _many(ends, q, last, depth):
                _multiply(w, here, pitch, index, 0, depth, a, q * row, row, column,
                          start, q * s_row + c, s_row, out, q * o_row + c, o_row, count)  # fmt: skip
                continue
            for r in range(q, last):
                k, end = r * depth, r * depth + ends[r]
                if ones:
                    _add(w, here, pitch, index, k, end, a, r * row, row, column,
                         start, r * s_row + c, s_row, out, r * o_row + c, o_row, count)  # fmt: skip
                else:
                    _add_weighted(w, here, pitch, index, k, end, a, r * row, row, column,
                                  start, r * s_row + c, s_row, out, r * o_row + c, o_row, count)  # fmt: skip
        c += count
    return c


@njit(error_model="numpy")
def _many(ends, first, last, depth):
    total = 0
    for q in range(first, last):
        total += ends[q]
    return last - first == ROWS and total > DENSE * ROWS * depth


@njit(error_model="numpy")
def _list_rows(a, row, rows, depth, index, ends):
    """For each row q the k whose value is not zero: index[q * depth] on, ends[q] of them; no list where many are."""
    for first in range(0, rows, ROWS):
        last = min(first + ROWS, rows)
        for q in range(first, last):
            values, count = a[q * row : q * row + depth], 0
            for k in range(depth):
                count += values[k] != 0
            ends[q] = count
        for q in range(first, first if _many(ends, first, last, depth) else last):
            end, k = q * depth, 0
            while k + 64 <= depth:  # many at once: where the list of a few ends is not foreseen by the processor
                end = _append(index, end, k, _nonzero(a, q * row + k, 64))
                k += 64
            while k < depth:
                end = _append(index, end, k, _nonzero(a, q * row + k, 1))
                k += 1


@njit(error_model="numpy", inline="always")
def _append(index, end, k, bits):
    while bits:
        index[end] = k + _lowest(bits)
        bits &= bits - 1
        end += 1
    return end


@njit(error_model="numpy")
def _list_columns(a, column, rows, depth, index, ends):
    """As `_list_rows`, of rows that lie beside one another; no list where many are in all rows."""
    for k in range(depth):
        values = a[k * column : k * column + rows]
        for q in range(rows):
            ends[q] += values[q] != 0
    first = 0
    while first < rows and _many(ends, first, min(first + ROWS, rows), depth):
        first += ROWS
    if first >= rows:
        return
    ends[:] = 0
    for k in range(depth):
        q = 0
        while q + 64 <= rows:
            _append_each(index, depth, ends, q, k, _nonzero(a, k * column + q, 64))
            q += 64
        while q < rows:
            _append_each(index, depth, ends, q, k, _nonzero(a, k * column + q, 1))
            q += 1


@njit(error_model="numpy", inline="always")
def _append_each(index, depth, ends, q, k, bits):
    while bits:
        r = q + _lowest(bits)
        index[r * depth + ends[r]] = k
        ends[r] += 1
        bits &= bits - 1
