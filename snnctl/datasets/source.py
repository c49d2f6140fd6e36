"""A source of recordings: the one class to write for a new data set."""

from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from snnctl.datasets.fingerprint import describe, digest
from snnctl.datasets.recording import Recording


class Source:
    """Recordings with labels, in the set's own layout under `root`.

    A subclass says what it holds in class attributes (or properties that read no more than a folder's listing), lists
    its labels in `parts` and decodes one recording in `read`. The order of a part is its own and must never change.
    Public instance attributes are its settings and enter the fingerprint; `root` and names with a leading
    underscore do not. Built as `Source(root, **settings)` by the DataModule.

    Attributes:
        kind: "events", or "frames" for rows of values (images, series).
        shape: one time step, channels first: (P, H, W) of a sensor, (C,) of a cochlea or series, (C, H, W) of an image.
        classes: names of the classes; of what the outputs follow, where targets are traces.
        targets: "classes", or "traces" where the outputs are to follow functions of time: see `traces`; for values.
        duration: seconds, the fixed extent that the set declares (N-MNIST 0.3); None where it declares none.
        period: seconds a row of values, for series; 0 for still images and events.
        version: raise it when `read` changes its result, so that caches are rebuilt.
    """

    kind: ClassVar[Literal["events", "frames"]] = "events"
    shape: tuple[int, ...] = ()
    classes: tuple[str, ...] = ()
    targets: ClassVar[Literal["classes", "traces"]] = "classes"
    duration: float | None = None
    period: float = 0.0
    version: ClassVar[int] = 1

    def __init__(self, root: str | Path = "data"):
        self.root = Path(root)

    @property
    def name(self) -> str:
        """What the set is called in listings of the cache."""
        return type(self).__name__

    def download(self) -> None:
        """Make the set be there; nothing to do where it is.

        Raises:
            UserError: it cannot be had, naming the URL and the exact path at which to put the file.
        """

    def parts(self) -> dict[str, np.ndarray]:
        """Labels of each part: {"train": (n,) int64, "test": (m,) int64}; "test" is absent where the set has none.

        Raises:
            UserError: the set is not there, naming the URL and the exact path.
        """
        raise NotImplementedError

    def read(self, part: str, i: int) -> Recording:
        """Decode recording `i` of `part`.

        Raises:
            UserError: the file is damaged or empty, naming it.
        """
        raise NotImplementedError

    def traces(self, part: str) -> np.ndarray:
        """What the outputs are to do, where targets are traces: (n, L, C) float32, a row each `period`.

        All of a part at once; a sample's rows are as those of its values. The labels of `parts` are then zeros.
        """
        raise NotImplementedError

    def files(self, part: str) -> list[Path]:
        """The files that hold `part`, which the fingerprint covers; empty for generated sets."""
        return []

    def where(self, part: str, i: int) -> str:
        """How to name recording `i` in a message: its file where each recording has one, else its part and number."""
        files = self.files(part)
        return str(files[i]) if i < len(files) > 1 else f"{part} {i}" + (f" of {files[0]}" if files else "")

    def fingerprint(self) -> str:
        """Digest of what `read` depends on: class, code, version, settings, and every file's name, size and date.

        Reading gigabytes at every start is no option, so a file counts as unchanged while its size and date do.
        """
        own = {k: v for k, v in vars(self).items() if not k.startswith("_") and k != "root"}
        listing, above = [], os.path.join(self.root, "")
        for part in sorted(self.parts()):
            for path in self.files(part):
                stat = os.stat(path)  # plain strings: pathlib takes seconds for N-MNIST's 70,000 files
                inside = str(path).removeprefix(above).replace(os.sep, "/")
                listing.append(f"{part} {inside} {stat.st_size} {stat.st_mtime_ns}\n")
        return digest(describe(type(self)), self.version, own, "".join(listing))
