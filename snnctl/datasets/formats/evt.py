"""Prophesee .raw files: EVT 2.0 (32-bit words) and EVT 3.0 (16-bit words that change one thing each)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from snnctl.datasets.formats import header
from snnctl.datasets.formats.decoded import Decoded
from snnctl.datasets.formats.validity import REMEDY, to_events
from snnctl.errors import UserError

EVT2_TYPES = (0x0, 0x1, 0x8, 0xA, 0xE, 0xF)  # OFF, ON, time high; trigger, others, continued carry no pixel event
EVT3_TYPES = (0x0, 0x2, 0x3, 0x4, 0x5, 0x6, 0x7, 0x8, 0xA, 0xE, 0xF)


def read(path: Path, sort: bool = False) -> Decoded:
    """Events of a .raw file; words before the first time stamp are left out, triggers are passed over.

    Raises:
        UserError: no such header, another encoding, cut inside a word, a word of a reserved type (its byte);
            and as `validity.to_events`.

    Source: Prophesee, docs.prophesee.ai/stable/data/encoding_formats/evt2.html and evt3.html.
    """
    fields, data = header.split(path, "a .raw file (EVT2 or EVT3)")
    encoding = fields.get("evt") or fields.get("format", "").partition(";")[0].upper().removeprefix("EVT")
    order = ">" if fields.get("endianness", "little") == "big" else "<"
    if encoding in ("2.0", "2"):
        columns = _evt2(_words(path, data, f"{order}u4", 28, EVT2_TYPES))
    elif encoding in ("3.0", "3"):
        columns = _evt3(_words(path, data, f"{order}u2", 12, EVT3_TYPES))
    else:
        told = f"EVT {encoding}" if encoding else "its header names no encoding"
        raise UserError(f"{path}: only EVT 2.0 and EVT 3.0 are read: {told}", "convert the recording to EVT 3.0")
    return Decoded(to_events(path, *columns, sort=sort), header.sensor(fields))


def _words(path: Path, data: bytes, dtype: str, shift: int, allowed: tuple[int, ...]) -> np.ndarray:
    size = np.dtype(dtype).itemsize
    if len(data) % size:
        raise UserError(f"{path}: truncated: {len(data)} bytes is no whole number of words ({size} bytes each)", REMEDY)
    words = np.frombuffer(data, dtype)
    known = np.zeros(16, bool)
    known[list(allowed)] = True
    wrong = ~known[words >> shift]
    if wrong.any():
        i = int(np.argmax(wrong))
        raise UserError(
            f"{path}: corrupt: word {i} of {len(words)} is of the reserved type {int(words[i] >> shift):#x}", REMEDY
        )
    timed = words >> shift == 0x8
    return words[int(np.argmax(timed)) :] if timed.any() else words[:0]


def _last(at: np.ndarray) -> np.ndarray:
    """For every word, the index of the latest word at which `at` holds; -1 before the first."""
    return np.maximum.accumulate(np.where(at, np.arange(len(at)), -1))


def _unwrapped(high: np.ndarray, bits: int) -> np.ndarray:
    """A counter of `bits` bits that goes round, as one that does not."""
    high = high.astype(np.int64)
    rounds = np.cumsum(np.diff(high, prepend=high[:1]) < -(1 << (bits - 1)))
    return high + (rounds << bits)


def _evt2(words: np.ndarray) -> tuple[np.ndarray, ...]:
    """t, x, y, p: an ON or OFF word has t (6 low bits), x (11), y (11); a time word the 28 bits above."""
    kind = words >> 28
    time = kind == 0x8
    at = kind <= 0x1
    high = _unwrapped(words[time] & 0x0FFFFFFF, 28)
    t = (high[np.cumsum(time)[at] - 1] << 6) + ((words[at] >> 22) & 0x3F)
    return t, (words[at] >> 11) & 0x7FF, words[at] & 0x7FF, kind[at]


def _evt3(words: np.ndarray) -> tuple[np.ndarray, ...]:
    """t, x, y, p: words set the row, the time's halves, a single event's x and p, or 12 or 8 neighbours at once."""
    kind, value = words >> 12, (words & 0xFFF).astype(np.int64)
    time = kind == 0x8
    high = _unwrapped(value[time], 12)[np.cumsum(time) - 1] << 12 if len(words) else value
    low_at, high_at = _last(kind == 0x6), _last(time)
    t = high + np.where(low_at > high_at, value[low_at], 0)  # a new high half begins with low bits of zero
    row = value[_last(kind == 0x0)] & 0x7FF

    step = np.where(kind == 0x4, 12, 0) + np.where(kind == 0x5, 8, 0)
    done = np.cumsum(step) - step  # neighbours told before this word
    base_at = _last(kind == 0x3)
    base = value[base_at]

    single = np.flatnonzero(kind == 0x2)
    vector = np.flatnonzero(step)
    bits = (value[vector, None] >> np.arange(12)) & 1
    bits[:, 8:] &= (kind[vector] == 0x4)[:, None]
    which, offset = np.nonzero(bits)
    several = vector[which]
    x = np.concatenate(
        [value[single] & 0x7FF, (base[several] & 0x7FF) + done[several] - done[base_at[several]] + offset]
    )
    p = np.concatenate([value[single] >> 11, base[several] >> 11])
    word = np.concatenate([single, several])
    order = np.argsort(word, kind="stable")
    word = word[order]
    return t[word], x[order], row[word], p[order]
