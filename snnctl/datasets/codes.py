"""Flat pixel codes: an event's place in one time step as one number, 2 bytes where the sensor fits."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numba import njit

from snnctl.datasets.recording import EVENT
from snnctl.errors import UserError


def planes(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """(P, H, W) of the shape of one step: (P, H, W), (P, W) of a line with polarity, or (W,) of channels.

    Raises:
        UserError: another number of dimensions.
    """
    if not 1 <= len(shape) <= 3:
        raise UserError(f"events cannot have the shape {shape}", "expected (P, H, W), (P, W) or (channels,)")
    return {1: (1, 1, *shape), 2: (shape[0], 1, shape[-1]), 3: shape}[len(shape)]


def code_type(shape: tuple[int, ...]) -> np.dtype:
    """uint16 where every place of `shape` fits, else uint32."""
    return np.dtype(np.uint16 if math.prod(shape) <= 1 << 16 else np.uint32)


def inside(events: np.ndarray, shape: tuple[int, ...]) -> bool:
    """Whether every event lies within `shape`."""
    if not len(events):
        return True
    bounds = zip(("p", "y", "x"), planes(shape), strict=True)
    return all(events[axis].min() >= 0 and events[axis].max() < size for axis, size in bounds)


def encode(events: np.ndarray, shape: tuple[int, ...], start: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Events as columns: time from `start`, and code = (p H + y) W + x; what lies outside of `shape` is left out.

    Args:
        events: (n,) EVENT.
        shape: of one time step.
        start: microsecond that becomes 0; earlier events are left out.

    Returns:
        t (m,) int32 and code (m,) uint16 or uint32.
    """
    stop = np.array([np.iinfo(np.int64).max])
    t, code, ends = encode_batch(events, np.array([len(events)]), stop, shape, start)
    return t[: ends[0]], code[: ends[0]]


def encode_batch(
    events: np.ndarray, ends: np.ndarray, stop: np.ndarray, shape: tuple[int, ...], start: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`encode` for B samples that lie one after the other.

    Args:
        events: (n,) EVENT.
        ends: (B,) int64, where each sample ends.
        stop: (B,) int64; events at or after this microsecond are left out.
        shape: of one time step.
        start: microsecond that becomes 0.

    Returns:
        t and code, (n,), and (B,) int64: where each sample ends in them; what lies behind the last one is no event.
    """
    t, code, kept = np.empty(len(events), np.int32), np.empty(len(events), code_type(shape)), np.empty_like(ends)
    _encode(events, ends, stop, *planes(shape), start, t, code, kept)
    return t, code, kept


def decode(t: np.ndarray, code: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """`encode` undone: (n,) EVENT."""
    return decode_batch(t, code, np.zeros(1, np.int64), np.array([len(t)]), shape)[0]


def decode_batch(
    t: np.ndarray, code: np.ndarray, first: np.ndarray, last: np.ndarray, shape: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """The events [first[b], last[b]) of B samples one after the other: (n,) EVENT, and (B,) int64 where each ends."""
    ends = np.cumsum(last - first)
    events = np.empty(ends[-1], EVENT)
    _decode(t, code, first, last, _places(tuple(shape)), events)
    return events, ends


def in_order(events: np.ndarray) -> bool:
    """Whether events (n,) EVENT are sorted by time."""
    return _in_order(events)


@lru_cache(maxsize=8)
def _places(shape: tuple[int, ...]) -> np.ndarray:
    """The event of every code, at time 0: looked up, it costs a third of dividing."""
    places = np.zeros(math.prod(shape), EVENT)
    places["p"], places["y"], places["x"] = np.unravel_index(np.arange(len(places)), planes(shape))
    return places


@njit(cache=True, nogil=True)
def _encode(events, ends, stop, depth, height, width, start, t, code, kept):
    n = i = 0
    columns, lines, polarities = np.uint16(width), np.uint16(height), np.uint8(depth)
    for b in range(ends.size):
        for i in range(i, ends[b]):  # noqa: B020
            e = events[i]
            x, y, p = np.uint16(e.x), np.uint16(e.y), np.uint8(e.p)  # unsigned: what is below zero is too large as well
            t[n] = e.t - start
            code[n] = (np.uint32(p) * np.uint32(height) + y) * np.uint32(width) + x
            inside = (x < columns) & (y < lines) & (p < polarities)
            n += inside & (e.t >= start) & (e.t < stop[b])  # no branch: 3 times as fast
        i = ends[b]
        kept[b] = n


@njit(cache=True, nogil=True)
def _decode(t, code, first, last, places, events):
    n = 0
    for b in range(first.size):
        for i in range(first[b], last[b]):
            events[n] = places[code[i]]
            events[n].t = t[i]
            n += 1


@njit(cache=True, nogil=True)
def _in_order(events):
    for i in range(1, events.size):
        if events[i].t < events[i - 1].t:
            return False
    return True
