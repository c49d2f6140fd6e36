"""Rotation removal: a moving sensor's axes turned to the directions of most movement, in whole numbers.

The integer arithmetic is that of the inertial front end of Xylo IMU, so that what is trained on a computer meets the
same input on the chip.
"""

from __future__ import annotations

import numpy as np
from numba import njit

ANGLES = 64  # rows of the table of angles, 0 to 45 degrees
BITS = 16  # of sines and cosines
ROUNDS = 4  # of the Jacobi method


def _table() -> np.ndarray:
    """(6, ANGLES) int64: sin, cos, tan 2a, cot 2a, 1 / (2 cos 2a), 1 / (2 sin 2a), times 2^16; -1 where not used."""
    angle = np.linspace(0, np.pi / 4, ANGLES)
    small = np.arange(ANGLES) < ANGLES // 2  # up to 22.5 degrees: by the tangent, above: by the cotangent
    one, full = 1 << BITS, (1 << BITS) - 1
    with np.errstate(divide="ignore"):
        rows = [
            full * np.sin(angle),
            full * np.cos(angle),
            np.where(small, one * np.tan(2 * angle), -1),
            np.where(small, -1, one / np.tan(2 * angle)),
            np.where(small, one / (2 * np.cos(2 * angle)), -1),
            np.where(small, -1, one / (2 * np.sin(2 * angle))),
        ]
    return np.stack(rows).astype(np.int64)


TABLE = _table()


@njit(cache=True)
def _row(table, a, b, c):
    """The row of the angle that makes the off-diagonal b of ((a, b), (b, c)) vanish; all three 0 or more."""
    difference = abs(a - c)
    if difference == 0:
        return ANGLES - 1
    if 2 * b <= difference:
        row = 0
        for i in range(ANGLES // 2):
            row += table[2, i] * difference <= (2 * b) << BITS
        return min(row, ANGLES // 2 - 1)
    row = ANGLES // 2
    for i in range(ANGLES // 2, ANGLES):
        row += table[3, i] * (2 * b) >= difference << BITS
    return min(row, ANGLES - 1)


@njit(cache=True)
def _diagonalised(covariance, table):
    """Rotation (3, 3), times 2^31, of a covariance's principal axes, the largest first, by Jacobi rotations."""
    d = covariance.copy()
    r = np.zeros((3, 3), np.int64)
    for i in range(3):
        r[i, i] = (1 << 31) - 1
    for _ in range(ROUNDS):
        if d[0, 1] == 0 and d[0, 2] == 0 and d[1, 2] == 0 and d[1, 0] == 0 and d[2, 0] == 0 and d[2, 1] == 0:
            break
        for k in range(2, -1, -1):  # the axis that stays
            i, j = (1 if k == 0 else 0), (1 if k == 2 else 2)
            a, b, c = d[i, i], d[i, j], d[j, j]
            if b == 0:
                continue
            sign = np.int64(1)
            if b * np.sign(a - c) < 0 or (a == c and b < 0):
                sign = np.int64(-1)
            row = _row(table, abs(a), abs(b), abs(c))
            sin, cos = sign * table[0, row], table[1, row]
            half = ((a + c) << BITS) // 2
            if abs(2 * b) > abs(a - c):
                turn = 2 * b * table[5, row] * sign
            else:
                turn = (a - c) * table[4, row]
            x, y = d[i, k], d[j, k]
            d[i, i], d[j, j] = max((half + turn) >> BITS, 0), max((half - turn) >> BITS, 0)
            d[i, j] = d[j, i] = 0
            d[i, k] = d[k, i] = (cos * x + sin * y) >> BITS
            d[j, k] = d[k, j] = (-sin * x + cos * y) >> BITS
            for m in range(3):
                p, q = r[m, i], r[m, j]
                r[m, i] = (p * cos + q * sin) >> BITS
                r[m, j] = (-p * sin + q * cos) >> BITS
    order = np.array([0, 1, 2])
    for m in range(1, 3):  # insertion sort, ascending and stable
        n = m
        while n > 0 and d[order[n - 1], order[n - 1]] > d[order[n], order[n]]:
            order[n - 1], order[n] = order[n], order[n - 1]
            n -= 1
    return np.ascontiguousarray(r[:, order[::-1]])


@njit(cache=True)
def _alike(new, old, column):
    """Whether a column points as it did before, 1 or -1: the exact sign of their product, though it exceeds 64 bits."""
    high = middle = low = np.int64(0)
    for i in range(3):
        p, q = new[i, column], old[i, column]
        ph, pl, qh, ql = p >> 16, p & 0xFFFF, q >> 16, q & 0xFFFF
        high += ph * qh
        middle += ph * ql + pl * qh
        low += pl * ql
    middle += low >> 16
    high += middle >> 16
    return np.int64(-1) if high < 0 else np.int64(1)  # what was cut off below `high` is never negative


@njit(cache=True, nogil=True)
def without_rotation(signal, average, hold, table):
    """Movement along its own principal axes, which a turn of the sensor does not change.

        C <- C - C / 2^average + x x'               the running covariance, of which every `hold`-th is used
        y = R' x / 2,   C = R D R', D descending, columns of R with the sign that they had before

    Args:
        signal: (L, 3) int64, 16 bits.
        average: binary logarithm of the samples that the covariance is averaged over.
        hold: samples between two of its diagonalisations.
        table: TABLE.

    Returns:
        (L, 3) int64.
    """
    out = np.zeros_like(signal)
    running, last = np.zeros((3, 3), np.int64), np.full((3, 3), np.int64(-1))
    old = np.zeros((3, 3), np.int64)
    for i in range(3):
        old[i, i] = 1
    for t in range(len(signal)):
        x = signal[t]
        for i in range(3):
            for j in range(3):
                running[i, j] = running[i, j] - (running[i, j] >> average) + x[i] * x[j]
        if t % hold == 0:
            covariance = running >> average
            if (covariance != last).any():
                new = _diagonalised(covariance, table)
                for j in range(3):
                    new[:, j] *= _alike(new, old, j)
                last, old = covariance, new
        for i in range(3):
            for j in range(3):
                out[t, i] += (old[j, i] * x[j]) >> 32
    return out
