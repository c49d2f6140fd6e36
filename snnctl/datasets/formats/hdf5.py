"""HDF5 files of events: columns t, x, y, p in a group, or one compound data set."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from snnctl.datasets.formats.decoded import Decoded
from snnctl.datasets.formats.magic import refuse
from snnctl.datasets.formats.validity import REMEDY, to_events
from snnctl.errors import UserError

PLACES = ("events", "CD/events", "/")
MAGIC = b"\x89HDF\r\n\x1a\n"
ALIASES = {"t": ("t", "ts"), "x": ("x", "xs"), "y": ("y", "ys"), "p": ("p", "ps", "on")}


def read(path: Path, sort: bool = False) -> Decoded:
    """Events of an HDF5 file, from `events`, `CD/events` or the root; t in microseconds, y and p may be absent.

    The sensor is taken from the attributes `width` and `height` of that place or of the file.

    Raises:
        UserError: another format, truncated, no columns t and x, a compression whose plugin is absent;
            and as `validity.to_events`.
    """
    import h5py

    with path.open("rb") as file:
        head = file.read(16)
    if not head.startswith(MAGIC):
        raise refuse(path, "an HDF5 file", head)
    try:
        with h5py.File(path, "r") as file:
            for place in PLACES:
                if place in file and (table := _columns(file[place])):
                    attributes = {**file.attrs, **file[place].attrs}
                    break
            else:
                raise UserError(f"{path}: no columns t and x in {', '.join(PLACES)}", f"it holds {list(file)[:8]}")
    except (OSError, KeyError, RuntimeError) as error:
        raise UserError(
            f"{path}: truncated, corrupt, or compressed by a plugin that is not here: {error}", REMEDY
        ) from error
    sensor = (
        tuple(int(attributes[k]) for k in ("height", "width")) if {"height", "width"} <= attributes.keys() else None
    )
    return Decoded(to_events(path, table["t"], table["x"], table.get("y"), table.get("p"), sort=sort), sensor)


def _columns(node) -> dict[str, np.ndarray]:
    """The columns by our names; empty when t or x is not among them."""
    names = (node.dtype.names or ()) if hasattr(node, "dtype") else list(node)
    right = {ours: next((n for n in theirs if n in names), None) for ours, theirs in ALIASES.items()}
    if right["t"] is None or right["x"] is None:
        return {}
    table = node[()] if hasattr(node, "dtype") else node
    return {ours: np.asarray(table[theirs]) for ours, theirs in right.items() if theirs}
