"""Prophesee .dat files: 64 bits an event."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from snnctl.datasets.formats import header
from snnctl.datasets.formats.decoded import Decoded
from snnctl.datasets.formats.validity import REMEDY, to_events
from snnctl.errors import UserError

EVENT_TYPES = (0x00, 0x0C)  # "2D" and "CD": both x, y, p
WORD = 8


def read(path: Path, sort: bool = False) -> Decoded:
    """Events of a .dat file, version 2: t (32 bits, microseconds), then x (14 bits), y (14), p (4), little-endian.

    Raises:
        UserError: no such header, another version or event type, cut inside an event; and as `validity.to_events`.

    Source: Prophesee, docs.prophesee.ai/stable/data/file_formats/dat.html.
    """
    fields, data = header.split(path, "a .dat file")
    if fields.get("version", "2") != "2":
        raise UserError(f"{path}: .dat version {fields['version']} is not read", "convert it to version 2")
    if len(data) < 2 or data[0] not in EVENT_TYPES or data[1] != WORD:
        told = f"event type 0x{data[0]:02x} of {data[1]} bytes" if len(data) > 1 else "nothing after its header"
        raise UserError(f"{path}: not a .dat file of pixel events: {told}", REMEDY)
    data = data[2:]
    if len(data) % WORD:
        raise UserError(
            f"{path}: truncated: {len(data)} bytes is no whole number of events ({WORD} bytes each)", REMEDY
        )
    words = np.frombuffer(data, [("t", "<u4"), ("a", "<u4")])
    t, a = words["t"].astype(np.int64), words["a"]
    t += np.concatenate([[0], np.cumsum(np.diff(t) < -(1 << 31))]) * (1 << 32) if len(t) else 0  # the clock went round
    return Decoded(to_events(path, t, a & 0x3FFF, (a >> 14) & 0x3FFF, a >> 28, sort=sort), header.sensor(fields))
