"""Events into time bins, written straight into the batch: one serial kernel for a whole batch, no transposes."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numba import njit


@dataclass(frozen=True)
class Bins:
    """Time bins of a fixed width, or T equal bins of each sample's own extent.

    Fixed: bin k = floor(t / dt), t in microseconds from the recording's start, dt = num / den microseconds: integers
    only, so that an event at an edge falls into the later bin on every machine.
    Per sample: w = (t_last - t_first) // T, bin k = (t - t_first) // w; events past T w are left out, as in tonic's
    ToFrame(n_time_bins=T). Where w would be 0, which loses every event there, it is 1 here.

    Args:
        num: numerator of the width in microseconds.
        den: its denominator.
        steps: T; None when samples differ in length.
        per_sample: bins of each sample's own extent; `num` and `den` are then unused.
    """

    num: int = 1
    den: int = 1
    steps: int | None = None
    per_sample: bool = False

    @classmethod
    def of_width(cls, dt: float, steps: int | None = None) -> Bins:
        """Bins `dt` seconds wide; a width within 1e-9 of a whole number of microseconds is that number."""
        width = dt * 1e6
        whole = round(width)
        exact = Fraction(whole) if whole and abs(width - whole) <= 1e-9 * whole else None
        exact = exact or Fraction(width).limit_denominator(1_000_000)
        return cls(exact.numerator, exact.denominator, steps)

    @classmethod
    def of_number(cls, steps: int, duration: float) -> Bins:
        """`steps` bins over `duration` seconds."""
        exact = Fraction(max(1, round(duration * 1e6)), steps)
        return cls(exact.numerator, exact.denominator, steps)

    def lengths(self, extent: np.ndarray) -> np.ndarray:
        """Time steps of recordings that last `extent` microseconds: ceil(extent / dt), at least 1 and at most T."""
        if self.per_sample:
            return np.full(len(extent), self.steps, np.int64)
        length = np.maximum(-(-np.asarray(extent, np.int64) * self.den // self.num), 1)
        return length if self.steps is None else np.minimum(length, self.steps)

    def edges(self, steps: int) -> np.ndarray:
        """(T + 1,) int64: the first microsecond of each bin, then the end of the last."""
        return -(-np.arange(steps + 1, dtype=np.int64) * self.num // self.den)


@njit(cache=True, nogil=True)
def count_events(t, code, first, last, edges, per_sample, out, step_stride, sample_stride):
    """Add one to `out[bin * step_stride + sample * sample_stride + code]` for every event.

    Args:
        t: (n,) int32, sorted within a sample, microseconds from its start.
        code: (n,) uint16 or uint32, flat pixel within the shape of one step.
        first, last: (B,) int64, the events of sample b are [first[b], last[b]).
        edges: (T + 1,) int64, fixed bins; of `per_sample` bins only its length counts.
        per_sample: T equal bins of each sample's own extent.
        out: flat float32, zeros; counts are exact up to 2^24.
        step_stride, sample_stride: elements from one bin, and from one sample, to the next.
    """
    steps = edges.size - 1
    for b in range(first.size):
        i, end = first[b], last[b]
        if i == end:
            continue
        begin, width = np.int64(t[i]), np.int64(0)
        if per_sample:
            width = max(np.int64(1), (np.int64(t[end - 1]) - begin) // steps)
        for k in range(steps):
            edge = begin + (k + 1) * width if per_sample else edges[k + 1]
            base = np.uintp(k * step_stride + b * sample_stride)  # unsigned: no index counts from the end
            # Once a bin: a comparison for each event would take as long as the adding.
            stop = i + np.searchsorted(t[i:end], edge)
            for j in range(np.uint64(i), np.uint64(stop)):
                out[base + np.uintp(code[j])] += np.float32(1.0)
            i = stop


@njit(cache=True, nogil=True)
def list_events(t, code, first, last, edges, per_sample, offsets):
    """Fill `offsets` (T * B + 1,) int64 and return the (n,) int32 codes in order of bin, then sample, then time.

    The other arguments are those of `count_events`.
    """
    steps, samples = edges.size - 1, first.size
    cut = np.empty((samples, steps + 1), np.int64)
    for b in range(samples):
        i, end = first[b], last[b]
        cut[b, 0] = i
        begin, width = np.int64(0), np.int64(0)
        if per_sample and i < end:
            begin = np.int64(t[i])
            width = max(np.int64(1), (np.int64(t[end - 1]) - begin) // steps)
        for k in range(steps):
            edge = begin + (k + 1) * width if per_sample else edges[k + 1]
            while i < end and t[i] < edge:
                i += 1
            cut[b, k + 1] = i
    offsets[0] = 0
    for k in range(steps):
        for b in range(samples):
            offsets[k * samples + b + 1] = offsets[k * samples + b] + cut[b, k + 1] - cut[b, k]
    codes = np.empty(offsets[-1], np.int32)
    at = 0
    for k in range(steps):
        for b in range(samples):
            for i in range(cut[b, k], cut[b, k + 1]):
                codes[at] = code[i]
                at += 1
    return codes
