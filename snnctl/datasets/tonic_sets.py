"""All of tonic's classification sets as sources, and the reason why the others are none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from snnctl.datasets.fingerprint import digest
from snnctl.datasets.formats import aedat4, atis
from snnctl.datasets.formats.validity import REMEDY, fitted, to_events
from snnctl.datasets.located import Archive, LocatedSource
from snnctl.datasets.recording import Recording
from snnctl.datasets.source import Source
from snnctl.datasets.tonic_open import Opened, Wanted, open_part, tonic_class, wanted
from snnctl.datasets.unpack import unfinished
from snnctl.errors import UserError

CHECKS = {".bin": atis.check, ".aedat4": aedat4.check}  # what tonic's own readers let pass


class TonicSet(LocatedSource):
    """A data set that `tonic.datasets` reads, in tonic's layout under `root`; any number of recordings may be there.

    Args:
        root: the folder above the set's own (root/NMNIST/Train/...).
        tonic: the class of tonic.datasets, "NMNIST".
        shape: of one time step: [P, H, W], or [C] of a cochlea.
        parts: which arguments of tonic's class give which part: {train: {train: true}, test: {train: false}}. Only
            parts that are there are offered.
        options: further arguments of tonic's class.
        classes: names in order. None where tonic's class names them. A set whose files name them goes by these; names
            given, or a number of classes, serve as long as the files are not there.
        duration: seconds, the fixed extent of every recording; None where they differ.
        origin: what t = 0 is: "zero" the clock's own, "first" the first event.
        sort: put events that are out of time order in order, instead of refusing the recording.
        name: as of its YAML.
        hint: another way to get it, for the message when it is missing.

    Raises:
        UserError: tonic has no such class; later: not there, damaged, or events that cannot be.

    Source: Lenz et al. 2021, Tonic, doi:10.5281/zenodo.5079802.
    """

    made_by = (open_part, to_events)

    def __init__(
        self,
        root: str | Path,
        tonic: str,
        shape: Sequence[int],
        parts: Mapping[str, Mapping],
        options: Mapping | None = None,
        classes: Sequence[str] | int | None = None,
        duration: float | None = None,
        origin: str = "first",
        sort: bool = False,
        name: str = "",
        hint: str = "",
    ):
        super().__init__(root, name or tonic.lower(), hint=hint)
        self.tonic = tonic
        self.shape = tuple(shape)
        self.options = dict(options or {})
        self.duration = duration
        self.origin = origin
        self.sort = sort
        self.choices = {str(part): dict(choice) for part, choice in parts.items()}
        self._told = classes if classes is None or isinstance(classes, int) else tuple(str(c) for c in classes)
        self._opened: dict[str, Opened] = {}
        if origin not in ("zero", "first"):
            raise UserError(f"dataset.source.origin is {origin!r}", "choose from   zero, first")
        tonic_class(tonic)

    def __getstate__(self) -> dict:  # tonic keeps open files, which no worker can take along
        return {**self.__dict__, "_opened": {}}

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names: of the YAML, of tonic's class, or of the data; numbers as long as that is not there."""
        cls = tonic_class(self.tonic)
        fixed = getattr(cls, "classes", None) or getattr(cls, "class_map", None)
        if isinstance(self._told, tuple) and (fixed or not self.there()):
            return self._told
        if fixed:
            return tuple(str(c) for c in fixed)
        if self.there():
            return self._open(self._present()[0]).names
        if isinstance(self._told, int):
            return tuple(str(c) for c in range(self._told))
        raise self.missing()

    def parts(self) -> dict[str, np.ndarray]:
        """Labels of the parts that are there; no recording is read."""
        labels = {part: self._open(part).labels for part in self._present(required=True)}
        for part, own in labels.items():
            if not 0 <= own.min() <= own.max() < len(self.classes):
                place = self._wanted(part).path
                raise UserError(
                    f"{place}: labels {own.min()} to {own.max()}", f"{self.name} has {len(self.classes)} classes"
                )
        return labels

    def files(self, part: str) -> list[Path]:
        """One file a recording, or the few that hold all."""
        return self._open(part).files

    def where(self, part: str, i: int) -> str:
        """The file of recording `i`, with its number where the file holds many."""
        opened = self._open(part)
        return str(opened.files[i]) if len(opened.files) == len(opened.labels) else f"{opened.files[0]} sample {i}"

    def read(self, part: str, i: int) -> Recording:
        """Recording `i` through tonic's class, its events checked."""
        opened = self._open(part)
        place = self.where(part, i)
        if check := CHECKS.get(Path(place).suffix):
            check(Path(place))
        try:
            raw = np.asarray(opened.dataset[int(opened.order[i])][0]).reshape(-1)
        except (UserError, MemoryError):
            raise
        except Exception as error:  # a damaged file: the decoders raise whatever comes
            raise UserError(f"{place}: truncated or corrupt: {type(error).__name__}: {error}", REMEDY) from error
        names = raw.dtype.names
        columns = [raw[name] if name in names else None for name in ("t", "x", "y", "p")]
        events = fitted(place, to_events(place, *columns, sort=self.sort), self.shape)
        start = 0 if self.origin == "zero" else int(events["t"][0])
        stop = max(
            int(events["t"][-1]) + 1, start + round((self.duration or 0) * 1e6)
        )  # events past it stay, for longer crops
        return Recording(events=events, start=start, stop=stop)

    def fingerprint(self) -> str:
        """As of every source, and tonic's version."""
        return digest(super().fingerprint(), tonic_class(self.tonic))

    def there(self) -> bool:
        """Whether any part is."""
        return bool(self._present())

    def looked(self) -> list[Path]:
        """The folder or file of each part."""
        return list(dict.fromkeys(self._wanted(part).path for part in self.choices))

    def archives(self) -> list[Archive]:
        """The publisher's files of all parts."""
        return list(dict.fromkeys(a for part in self.choices for a in self._wanted(part).archives))

    def needed(self) -> list[Archive]:
        """As `LocatedSource.needed`, and archives that lie there packed."""
        absent = [part for part in self.choices if part not in self._present()]
        packed = [a for part in absent for a in self._wanted(part).archives if a.path.exists()]
        return list(dict.fromkeys([*super().needed(), *packed]))

    def download(self) -> None:
        """See `LocatedSource.download`."""
        super().download()
        self._opened.clear()

    def _wanted(self, part: str) -> Wanted:
        return wanted(tonic_class(self.tonic), self.root, {**self.options, **self.choices[part]})

    def _present(self, required: bool = False) -> list[str]:
        """The parts of which any recording is there; with `required`, an error where none is."""
        found = []
        for part in self.choices:
            path, archives = self._wanted(part)
            if not path.exists():
                continue
            if required:
                self.refuse_unfinished(archives)
            if not any(unfinished(archive.path) for archive in archives) and len(self._open(part).labels):
                found.append(part)
        if required and not found:
            raise self.missing()
        return found

    def _open(self, part: str) -> Opened:
        if part not in self._opened:
            if part not in self.choices:
                raise UserError(f"{self.name} has no part {part!r}", f"its parts: {', '.join(self.choices)}")
            opened = open_part(tonic_class(self.tonic), self.root, {**self.options, **self.choices[part]})
            if opened.labels.dtype.kind == "U":
                number = {name: k for k, name in enumerate(opened.names)}
                opened.labels = np.array([number[name] for name in opened.labels], dtype=np.int64)
            self._opened[part] = opened
        return self._opened[part]


class Unsupported(Source):
    """A data set that is listed, and refused with the reason.

    Args:
        root: unused.
        name: of its YAML.
        reason: why it cannot be trained on here.

    Raises:
        UserError: always.
    """

    def __init__(self, root: str | Path, name: str, reason: str):
        raise UserError(f"the data set {name} is not supported: {reason}", "see those that are: snnctl ls datasets")
