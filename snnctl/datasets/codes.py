"""Flat pixel codes: an event's place in one time step as one number, 2 bytes where the sensor fits."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numba import njit

from snnctl.datasets.recording import EVENT
from snnctl.errors import UserError

LATEST = np.iinfo(np.int64).max


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
    t, code = np.empty(len(events), np.int32), np.empty(len(events), code_type(shape))
    n = encode_into(events, *planes(shape), start, LATEST, t, code, 0)
    return t[:n], code[:n]


def decode(t: np.ndarray, code: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """`encode` undone: (n,) EVENT."""
    events = np.empty(len(t), EVENT)
    decode_into(t, code, places(tuple(shape)), events)
    return events


def in_order(events: np.ndarray) -> bool:
    """Whether events (n,) EVENT are sorted by time."""
    return _in_order(events)


@lru_cache(maxsize=8)
def places(shape: tuple[int, ...]) -> np.ndarray:
    """The event of every code, at time 0: looked up, it costs a third of dividing."""
    found = np.zeros(math.prod(shape), EVENT)
    found["p"], found["y"], found["x"] = np.unravel_index(np.arange(len(found)), planes(shape))
    return found


@njit(cache=True, nogil=True)
def encode_into(events, depth, height, width, start, stop, t, code, n):
    """`encode` events in [start, stop) behind the first `n` of t and code, which have room; returns the new n."""
    columns, lines, polarities = np.uint16(width), np.uint16(height), np.uint8(depth)
    for i in range(events.size):
        e = events[i]
        x, y, p = np.uint16(e.x), np.uint16(e.y), np.uint8(e.p)  # unsigned: what is below zero is too large as well
        t[n] = e.t - start
        code[n] = (np.uint32(p) * np.uint32(height) + y) * np.uint32(width) + x
        inside = (x < columns) & (y < lines) & (p < polarities)
        n += inside & (e.t >= start) & (e.t < stop)  # no branch: 3 times as fast
    return n


@njit(cache=True, nogil=True)
def decode_into(t, code, places, events):
    """`decode` into `events`, with the table that `places` gives."""
    for i in range(t.size):
        events[i] = places[code[i]]
        events[i].t = t[i]


@lru_cache(maxsize=8)
def tables(transform: Callable, shape: tuple[int, ...]) -> np.ndarray:
    """Where each choice of a transform moves each code: (choices, codes) int32, -1 where the event is lost.

    Args:
        transform: with a number of `choices`, `choose(uniform)` and `moved(events, choice)`, as Shift has them.
        shape: of one time step.
    """
    depth, height, width = planes(shape)
    found = np.empty((transform.choices, math.prod(shape)), np.int32)
    for choice, row in enumerate(found):
        e = transform.moved(places(shape).copy(), choice)
        x, y, p = (e[axis].astype(np.int32) for axis in ("x", "y", "p"))
        lost = (x < 0) | (x >= width) | (y < 0) | (y >= height) | (p < 0) | (p >= depth)
        row[:] = np.where(lost, -1, (p * height + y) * width + x)
    return found


@njit(cache=True, nogil=True)
def move_into(events_t, events_code, first, last, extent, tables, choice, t, code, ends):
    """Events of several samples, each moved by its choice, into t and code; `ends[b + 1]` is where sample b ends."""
    n = np.uint64(0)  # unsigned: numba would look whether a signed index counts from the end
    for b in range(first.size):
        table, end = tables[choice[b]], last[b]
        while end > first[b] and events_t[end - 1] >= extent[b]:
            end -= 1
        for i in range(np.uint64(first[b]), np.uint64(end)):
            place = table[events_code[i]]
            t[n] = events_t[i]
            code[n] = place
            n += np.uint64(place >= 0)  # no branch, as in encode_into
        ends[b + 1] = n
    return n


@njit(cache=True, nogil=True)
def _in_order(events):
    for i in range(1, events.size):
        if events[i].t < events[i - 1].t:
            return False
    return True
