"""Files of single recordings: one module a format, one function for all of them."""

from __future__ import annotations

import importlib
from pathlib import Path

from snnctl.datasets.formats.decoded import Decoded
from snnctl.errors import UserError, did_you_mean

MODULES = {
    ".aedat4": "aedat4",
    ".bin": "atis",
    ".dat": "dat",
    ".raw": "evt",
    ".npz": "arrays",
    ".npy": "arrays",
    ".h5": "hdf5",
    ".hdf5": "hdf5",
}
"""The module that reads a file, by the ending of its name."""


def read_events(path: str | Path, sort: bool = False) -> Decoded:
    """Decode one recording; its format follows from the ending of the name, and the content must agree.

    Args:
        path: the file: .aedat4, .bin (N-MNIST), .dat, .raw (EVT2, EVT3), .npz, .npy, .h5 or .hdf5.
        sort: put events that are out of time order in order, instead of refusing the file.

    Returns:
        Decoded: valid events and the size of the sensor, where the file tells it.

    Raises:
        UserError: naming the file: not there, another format, truncated, corrupt, empty, or an event that cannot be
            (its number and content); or the package that reads the format is not installed.
    """
    path = Path(path)
    module = MODULES.get(path.suffix.lower())
    if module is None:
        raise UserError(f"{path}: no reader for files that end in {path.suffix!r}", did_you_mean(path.suffix, MODULES))
    if not path.is_file():
        raise UserError(f"{path} is not there", "check the path, or the folder that it was listed from")
    if path.stat().st_size == 0:
        raise UserError(f"{path} is empty (0 bytes)", "remove it, or set dataset.on_error=skip")
    reader = importlib.import_module(f"{__name__}.{module}")
    return reader.read(path, sort=sort)
