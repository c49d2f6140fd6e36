"""A user's own recordings: one folder a class, in any of the file formats."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from snnctl.datasets import formats
from snnctl.datasets.class_folders import Listing, list_folders
from snnctl.datasets.fingerprint import digest
from snnctl.datasets.formats import MODULES, read_events
from snnctl.datasets.formats.validity import fitted
from snnctl.datasets.recording import Recording
from snnctl.datasets.source import Source
from snnctl.errors import UserError

POLARITIES = 2


class Folder(Source):
    """Recordings in root/<class>/, or in root/train/<class>/ and root/test/<class>/.

    Formats, by the ending of the name: .aedat4, .bin (N-MNIST), .dat, .raw (EVT2, EVT3), .npz, .npy, .h5, .hdf5.

    Args:
        root: the folder.
        folder: below root; "." is root itself.
        shape: of the sensor, [P, H, W], or [C] channels; None: from the header of the first file, or, where it does not
            tell, from the largest coordinates of all recordings (said in a message: give the true size).
        duration: seconds, the fixed extent of every recording; None where they differ.
        origin: what t = 0 is: "zero" the clock's own, "first" the first event.
        sort: put events that are out of time order in order, instead of refusing the recording.

    Raises:
        UserError: no folder, no recordings, one class; later: a file that is damaged or of another sensor.
    """

    def __init__(
        self,
        root: str | Path,
        folder: str = ".",
        shape: Sequence[int] | None = None,
        duration: float | None = None,
        origin: str = "first",
        sort: bool = False,
    ):
        super().__init__(root)
        self.duration = duration
        self.origin = origin
        self.sort = sort
        self._top = self.root / folder
        self._shape = None if shape is None else tuple(shape)
        if origin not in ("zero", "first"):
            raise UserError(f"dataset.source.origin is {origin!r}", "choose from   zero, first")

    @property
    def name(self) -> str:
        """The folder's name."""
        return self._top.resolve().name or "folder"

    @cached_property
    def _listing(self) -> Listing:
        return list_folders(self._top, MODULES)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the class folders."""
        return self._listing.classes

    @property
    def shape(self) -> tuple[int, ...]:
        """As given, else as found; see the class."""
        if self._shape is None:
            self._shape = self._found_shape()
        return self._shape

    def parts(self) -> dict[str, np.ndarray]:
        """Labels from the folders' names."""
        return self._listing.labels

    def files(self, part: str) -> list[Path]:
        """One file a recording."""
        return self._listing.files[part]

    def where(self, part: str, i: int) -> str:
        """The file of recording `i`."""
        return str(self.files(part)[i])

    def read(self, part: str, i: int) -> Recording:
        """Decode recording `i`, its events checked against the sensor."""
        path = self.files(part)[i]
        decoded = read_events(path, sort=self.sort)
        if decoded.sensor and len(self.shape) == 3 and decoded.sensor != self.shape[1:]:
            raise UserError(
                f"{path}: recorded by a sensor of {decoded.sensor[1]} x {decoded.sensor[0]} pixels, the others have"
                f" {self.shape[2]} x {self.shape[1]}",
                "record with one sensor, or give the larger: dataset.source.shape=[2,H,W]",
            )
        events = fitted(path, decoded.events, self.shape)
        start = 0 if self.origin == "zero" else int(events["t"][0])
        return Recording(events, None, start, max(int(events["t"][-1]) + 1, start + round((self.duration or 0) * 1e6)))

    def fingerprint(self) -> str:
        """As of every source, and the code of the readers, and a sensor that was found."""
        code = [path.read_bytes() for path in sorted(Path(formats.__file__).parent.glob("*.py"))]
        return digest(super().fingerprint(), *code, self.shape)

    def _found_shape(self) -> tuple[int, ...]:
        paths = [path for files in self._listing.files.values() for path in files]
        high = wide = read = 0
        for path in paths:
            try:
                decoded = read_events(path, sort=True)
            except UserError:
                continue  # said when it is read
            if decoded.sensor:
                return (POLARITIES, *decoded.sensor)
            read += 1
            wide = max(wide, int(decoded.events["x"].max()) + 1)
            high = max(high, int(decoded.events["y"].max()) + 1)
        if not read:
            raise UserError(
                f"{self._top.absolute()}: none of the {len(paths)} recordings can be read", f"the first: {paths[0]}"
            )
        print(
            f"note: no file in {self._top} tells its sensor's size: taken as {wide} x {high} pixels by the largest"
            f" coordinates of {read} files; give the true one: dataset.source.shape=[2,H,W]",
            file=sys.stderr,
        )
        return (POLARITIES, high, wide)
