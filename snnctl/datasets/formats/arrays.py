"""NumPy files of events: .npz with columns t, x, y, p, or .npz and .npy with one structured array."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from snnctl.datasets.formats.decoded import Decoded
from snnctl.datasets.formats.magic import refuse
from snnctl.datasets.formats.validity import REMEDY, to_events
from snnctl.errors import UserError


def load(path: Path) -> dict[str, np.ndarray]:
    """All arrays of a .npz or .npy file by name ("" for a .npy); objects, which would run code, are refused.

    Raises:
        UserError: another format, truncated, a checksum that is wrong, or an array of objects.
    """
    with path.open("rb") as file:
        head = file.read(16)
    expected, magic = (
        ("a .npz archive", b"PK\x03\x04") if path.suffix.lower() == ".npz" else ("a .npy array", b"\x93NUMPY")
    )
    if not head.startswith(magic):
        raise refuse(path, expected, head)
    try:
        with np.load(path, allow_pickle=False) if magic[:2] == b"PK" else _Single(path) as archive:
            return {name: archive[name] for name in archive}
    except Exception as error:  # of a damaged header NumPy raises whatever its parser does
        if "allow_pickle" in str(error):
            raise UserError(f"{path}: holds Python objects, which are not read: they could run code", REMEDY) from error
        raise UserError(f"{path}: truncated or corrupt: {error}", REMEDY) from error


class _Single(dict):
    """A .npy file in the manner of an archive."""

    def __init__(self, path: Path):
        super().__init__({"": np.load(path, allow_pickle=False)})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None


def read(path: Path, sort: bool = False) -> Decoded:
    """Events of a NumPy file: columns t (microseconds), x, y, p, where y and p may be absent; `width` and `height` of
    the sensor are taken where an .npz has them.

    Raises:
        UserError: see `load`; no t or x; and as `validity.to_events`.
    """
    found = load(path)
    records = [array for array in found.values() if array.dtype.names]
    table = {name: records[0][name] for name in records[0].dtype.names} if len(records) == 1 else found
    if "t" not in table or "x" not in table:
        held = ", ".join(f"{name or 'one array'} {array.dtype}{list(array.shape)}" for name, array in found.items())
        raise UserError(f"{path}: no columns t and x, but: {held}", "name them t, x, y, p (times in microseconds)")
    sensor = tuple(int(found[k]) for k in ("height", "width")) if {"height", "width"} <= found.keys() else None
    return Decoded(to_events(path, table["t"], table["x"], table.get("y"), table.get("p"), sort=sort), sensor)
