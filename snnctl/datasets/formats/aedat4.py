"""iniVation .aedat4 files, through the package `aedat`."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from snnctl.datasets.formats.decoded import Decoded
from snnctl.datasets.formats.magic import refuse
from snnctl.datasets.formats.validity import REMEDY, to_events
from snnctl.errors import UserError

MAGIC = b"#!AER-DAT4.0\r\n"


def decoder():
    """The package `aedat`.

    Raises:
        UserError: it is not installed.
    """
    try:
        import aedat
    except ImportError as error:
        raise UserError("reading .aedat4 files needs the package aedat", "pip install 'snnctl[aedat]'") from error
    return aedat


def check(path: Path) -> None:
    """Raise a UserError where the file does not begin as AEDAT4, or its reader is absent."""
    with path.open("rb") as file:
        head = file.read(len(MAGIC))
    if head != MAGIC:
        raise refuse(path, "an AEDAT4 file", head)
    decoder()


def read(path: Path, sort: bool = False) -> Decoded:
    """Events of the first event stream of an AEDAT4 file.

    Raises:
        UserError: the package `aedat` is absent, another format, truncated or corrupt packets, no stream of events;
            and as `validity.to_events`.

    Source: iniVation, docs.inivation.com/software/software-advanced-usage/file-formats/aedat-4.0.html.
    """
    check(path)
    try:
        packets = decoder().Decoder(str(path))
        streams = {i: s for i, s in sorted(packets.id_to_stream().items()) if s["type"] == "events"}
        if not streams:
            raise UserError(f"{path}: holds no stream of events", REMEDY)
        first = next(iter(streams))
        parts = [packet["events"] for packet in packets if packet["stream_id"] == first]
    except RuntimeError as error:
        raise UserError(f"{path}: truncated or corrupt: {error}", REMEDY) from error
    if not parts:
        raise UserError(f"{path}: holds no event", REMEDY)
    events = np.concatenate(parts)
    polarity = events["p" if "p" in events.dtype.fields else "on"]
    sensor = (int(streams[first]["height"]), int(streams[first]["width"]))
    return Decoded(to_events(path, events["t"], events["x"], events["y"], polarity, sort=sort), sensor)
