"""Time series in one .npz file, as events (send-on-delta) or as they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from snnctl.datasets.channels import signed
from snnctl.datasets.formats.arrays import load
from snnctl.datasets.formats.validity import REMEDY
from snnctl.datasets.located import LocatedSource
from snnctl.datasets.recording import Recording
from snnctl.datasets.send_on_delta import send_on_delta
from snnctl.errors import UserError, did_you_mean


class Series(LocatedSource):
    """Sampled signals with labels, in arrays of a .npz file.

    As events, channels 0..C-1 of the result are downward changes, C..2C-1 upward ones. No test part, unless `test`
    names a second file.

    Args:
        root: the folder of data sets.
        name: as of its YAML.
        files: where to look for the file, under root or absolute.
        period: time between rows, s.
        values: key of the signals, (N, L, C) or (N, L), numbers.
        label: key of the labels, (N,) whole numbers from 0, or names.
        length: key of the valid rows of each sample, (N,); None: all L.
        classes: key of the class names, or the names; None: the label's own, sorted.
        channels: which of the C to keep, from 0; None: all.
        theta: change that is sent, in the unit of the values; None: no events, the values themselves (kind "frames").
        initial: value of all channels before the first row; None: the first row itself, which then sends nothing.
        test: where to look for a file of the same keys that is the test part; None: none.
        fetch, hint: see `LocatedSource`.

    Raises:
        UserError: not there, damaged, an absent key, arrays that do not fit each other; later: a sample without events.
    """

    made_by = (send_on_delta, signed)

    def __init__(
        self,
        root: str | Path,
        name: str,
        files: Sequence[str],
        period: float,
        values: str = "values",
        label: str = "label",
        length: str | None = None,
        classes: str | Sequence[str] | None = None,
        channels: Sequence[int] | None = None,
        theta: float | None = 1.0,
        initial: float | None = None,
        test: Sequence[str] | None = None,
        fetch: Iterable[Mapping] = (),
        hint: str = "",
    ):
        super().__init__(root, name, fetch, hint)
        if not period > 0:
            raise UserError(f"dataset.source.period is {period}", "the time between rows, in seconds, above 0")
        self.period, self.theta, self.initial = period, theta, initial
        self.channels = None if channels is None else tuple(int(c) for c in channels)
        self.kind = "frames" if theta is None else "events"
        self.keys = {"values": values, "label": label, "length": length}
        self._classes = classes if classes is None or isinstance(classes, str) else tuple(str(c) for c in classes)
        self._places = {"train": [str(f) for f in files], **({"test": [str(f) for f in test]} if test else {})}
        self._tables: dict[str, dict] = {}

    def __getstate__(self) -> dict:
        return {**self.__dict__, "_tables": {}}

    @property
    def classes(self) -> tuple[str, ...]:
        """As given, else as the file names them."""
        return self._classes if isinstance(self._classes, tuple) else self._load("train")["classes"]

    @property
    def shape(self) -> tuple[int, ...]:
        """(2 C,) as events, (C,) as values."""
        kept = self._load("train")["values"].shape[2] if self.channels is None else len(self.channels)
        return (kept,) if self.kind == "frames" else (2 * kept,)

    def parts(self) -> dict[str, np.ndarray]:
        """The labels."""
        self.refuse_unfinished(self.archives())
        return {part: self._load(part)["label"] for part in self._places}

    def files(self, part: str) -> list[Path]:
        """The one file."""
        path = self.locate(self._places[part])
        if path is None:
            raise self.missing()
        return [path]

    def where(self, part: str, i: int) -> str:
        """The file, and the sample's number in it."""
        return f"{self.files(part)[0]} sample {i}"

    def read(self, part: str, i: int) -> Recording:
        """Sample `i`, its valid rows only."""
        table = self._load(part)
        rows = table["values"][i, : table["length"][i]]
        if rows.dtype.kind == "f" and not np.isfinite(rows).all():
            raise UserError(f"{self.where(part, i)}: values hold NaN or infinity", REMEDY)
        stop = round(len(rows) * self.period * 1e6)
        if self.kind == "frames":
            return Recording(values=rows.astype(np.float32), stop=stop, period=self.period)
        events = signed(send_on_delta(rows, self.theta, self.period, self.initial), rows.shape[1])
        if not len(events):
            raise UserError(
                f"{self.where(part, i)}: sends no event at theta {self.theta}", f"a smaller one, or {REMEDY}"
            )
        return Recording(events=events, stop=max(stop, int(events["t"][-1]) + 1))

    def there(self) -> bool:
        """Whether every file is."""
        return all(self.locate(places) is not None for places in self._places.values())

    def looked(self) -> list[Path]:
        """The places of the files."""
        return [self.root / place for places in self._places.values() for place in places]

    def _load(self, part: str) -> dict:
        if part not in self._tables:
            path = self.files(part)[0]
            self._tables[part] = self._checked(path, load(path))
        return self._tables[part]

    def _checked(self, path: Path, arrays: dict[str, np.ndarray]) -> dict:
        for key in filter(None, (*self.keys.values(), self._classes if isinstance(self._classes, str) else None)):
            if key not in arrays:
                raise UserError(f"{path}: holds no array {key!r}", did_you_mean(key, arrays))
        values, label = arrays[self.keys["values"]], arrays[self.keys["label"]]
        values = values[..., None] if values.ndim == 2 else values
        if values.ndim != 3 or values.dtype.kind not in "biuf" or label.shape != values.shape[:1]:
            told = f"{self.keys['values']} {values.shape} {values.dtype}, {self.keys['label']} {label.shape}"
            raise UserError(f"{path}: {told}", "expected numbers (samples, rows, channels) and one label a sample")
        length = arrays[self.keys["length"]] if self.keys["length"] else np.full(len(values), values.shape[1])
        length = length.astype(np.int64)
        if length.shape != label.shape or (len(length) and not 1 <= length.min() <= length.max() <= values.shape[1]):
            raise UserError(
                f"{path}: {self.keys['length']} does not fit", f"expected 1 to {values.shape[1]} rows a sample"
            )
        if self.channels is not None:
            if not self.channels or not 0 <= min(self.channels) <= max(self.channels) < values.shape[2]:
                raise UserError(
                    f"dataset.source.channels is {list(self.channels)}", f"expected some of 0 to {values.shape[2] - 1}"
                )
            values = values[:, :, list(self.channels)]
        classes, label = self._named(path, arrays, label)
        return {"values": values, "label": label, "length": length, "classes": classes}

    def _named(self, path: Path, arrays: dict, label: np.ndarray) -> tuple[tuple[str, ...], np.ndarray]:
        """Class names and class numbers, from labels that are numbers or names."""
        told = arrays[self._classes] if isinstance(self._classes, str) else self._classes
        found = np.unique(label)
        names = tuple(str(c) for c in (found if told is None else told))
        if label.dtype.kind in "iu" and told is not None:
            if len(found) and not 0 <= found[0] <= found[-1] < len(names):
                raise UserError(f"{path}: labels {found[0]} to {found[-1]}", f"there are {len(names)} classes")
            return names, label.astype(np.int64)
        number = {name: k for k, name in enumerate(names)}
        if strange := [str(v) for v in found if str(v) not in number]:
            raise UserError(f"{path}: the label {strange[0]!r} is no class", f"the classes: {', '.join(names)}")
        return names, np.array([number[str(v)] for v in label], dtype=np.int64)
