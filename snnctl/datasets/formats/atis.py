"""N-MNIST and N-Caltech101 .bin files: 40 bits an event, no header."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from snnctl.datasets.formats.decoded import Decoded
from snnctl.datasets.formats.magic import refuse, seems
from snnctl.datasets.formats.validity import REMEDY, to_events
from snnctl.errors import UserError

WORD = 5  # bytes an event
OVERFLOW_ROW = 240  # an event in this row is no event: the clock advances by OVERFLOW_US
OVERFLOW_US = 1 << 13


def check(path: Path) -> np.ndarray:
    """The words of the file, (n, 5) uint8, if it can be one of this format.

    Raises:
        UserError: another format by its first bytes, or cut inside an event.
    """
    raw = np.fromfile(path, np.uint8)
    head = raw[:16].tobytes()
    if seems(head) and not head.startswith(b"%"):  # "%" is a column that occurs
        raise refuse(path, "an N-MNIST file", head)
    if not raw.size or raw.size % WORD:
        raise UserError(f"{path}: truncated: {raw.size} bytes is no whole number of events ({WORD} bytes each)", REMEDY)
    return raw.reshape(-1, WORD)


def read(path: Path, sort: bool = False) -> Decoded:
    """Events of an N-MNIST file: bytes x, y, then p (1 bit) and t (23 bits, big-endian, microseconds).

    Raises:
        UserError: see `check` and `validity.to_events`.

    Source: Orchard, Jayawant, Cohen, Thakor 2015, doi:10.3389/fnins.2015.00437.
    """
    words = check(path).astype(np.int64)
    x, y, high, middle, low = words.T
    overflow = y == OVERFLOW_ROW
    t = ((high & 127) << 16 | middle << 8 | low) + np.cumsum(overflow) * OVERFLOW_US
    real = ~overflow
    return Decoded(to_events(path, t[real], x[real], y[real], high[real] >> 7, sort=sort), None)
