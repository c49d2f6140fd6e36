"""The cache of decoded recordings: memory-mapped, keyed by content, independent of bins, batches and augmentation.

A cache is a folder `<set>-<key>` of plain arrays and a meta.json that is written last. Events are stored as t (int32,
microseconds from the recording's start) and code (flat pixel, uint16 where the sensor fits), 6 bytes an event; values
as rows. Binning happens when a batch is made, so no cache depends on dt.
"""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import numpy as np

from snnctl.datasets import cache_write
from snnctl.datasets.fingerprint import describe, digest
from snnctl.datasets.source import Source
from snnctl.errors import UserError
from snnctl.lock import held

FORMAT = 1
ARRAYS = ("offsets", "extent", "t", "code", "values", "period")


def folder(chosen: str | Path | None = None) -> Path:
    """Where caches lie: `chosen`, else $SNNCTL_CACHE, else ~/.cache/snnctl."""
    return Path(chosen or os.environ.get("SNNCTL_CACHE") or Path.home() / ".cache" / "snnctl").expanduser()


def stem(name: str) -> str:
    """A data set's name as its caches' folders bear it: lower case, with nothing that a path cannot hold."""
    return re.sub(r"[^a-z0-9_.]+", "_", name.lower()).lstrip(".") or "set"


def key(source: Source, transforms: Sequence = ()) -> str:
    """What a cache's content follows from: format, the source's fingerprint, the transforms' settings and code."""
    return digest(FORMAT, source.fingerprint(), [describe(t) for t in transforms])


@dataclass(frozen=True)
class Part:
    """The recordings of one part, as arrays on disk; pickled as its place, so that workers map the same pages.

    Args:
        path: the cache's folder.
        name: of the part.
        offsets: (n + 1,) int64; recording i is events, or rows, [offsets[i], offsets[i + 1]).
        extent: (n,) int64, microseconds that recording i lasts.
        t: (events,) int32, microseconds from the recording's start, sorted within it; None for values.
        code: (events,) uint16 or uint32, flat place within the shape of a step; None for values.
        values: (rows, *shape) uint8 or float32; None for events.
        period: (n,) float64, seconds a row; zeros for still images and events.
    """

    path: Path
    name: str
    offsets: np.ndarray
    extent: np.ndarray
    t: np.ndarray | None
    code: np.ndarray | None
    values: np.ndarray | None
    period: np.ndarray

    def __reduce__(self):
        return _part, (self.path, self.name)


def _part(path: Path, name: str) -> Part:
    return Cache(path)[name]


class Cache:
    """An opened cache.

    Args:
        path: its folder.

    Raises:
        ValueError: it is damaged, or of another format.
    """

    def __init__(self, path: Path):
        self.path = Path(path)
        try:
            self.meta = json.loads((self.path / "meta.json").read_text())
            if self.meta["format"] != FORMAT:
                raise ValueError(f"format {self.meta['format']}")
            for name, array in self.meta["arrays"].items():
                size = math.prod(array["shape"]) * np.dtype(array["dtype"]).itemsize
                if (self.path / name).stat().st_size != size:
                    raise ValueError(f"{name} is not {size} bytes long")
        except (OSError, KeyError, TypeError, json.JSONDecodeError) as error:
            raise ValueError(str(error)) from error
        self.skipped: dict[str, str] = self.meta["skipped"]

    def missing(self, part: str) -> list[int]:
        """Recordings of `part` that could not be read and were left out."""
        return self.meta["missing"].get(part, [])

    def __getitem__(self, part: str) -> Part:
        return self._parts[part]

    @cached_property
    def _parts(self) -> dict[str, Part]:
        return {
            part: Part(self.path, part, *(self._array(f"{part}.{name}") for name in ARRAYS))
            for part in self.meta["parts"]
        }

    def _array(self, name: str) -> np.ndarray | None:
        array = self.meta["arrays"].get(name)
        if array is None:
            return None
        shape, dtype = tuple(array["shape"]), np.dtype(array["dtype"])
        if 0 in shape:  # an empty file cannot be mapped
            return np.empty(shape, dtype)
        if name.endswith((".offsets", ".extent", ".period")):
            return np.fromfile(self.path / name, dtype).reshape(shape)
        return np.memmap(self.path / name, dtype, "r", shape=shape).view(np.ndarray)


def open_or_build(
    source: Source,
    transforms: Sequence[Callable] = (),
    shape: tuple[int, ...] | None = None,
    where: str | Path | None = None,
    on_error: str = "raise",
    progress: Callable[[int, int], None] | None = None,
) -> Cache:
    """The cache of `source` after `transforms`; built if there is none, or if what is there is damaged.

    One process builds, others wait and use what it built. A killed build leaves nothing under the final name.

    Args:
        source: where recordings come from.
        transforms: deterministic transforms, applied in order; one that draws gets the recording's own generator.
        shape: of one step after the transforms; the source's if None.
        where: folder of caches; None: $SNNCTL_CACHE or ~/.cache/snnctl.
        on_error: "raise" stops at a recording that cannot be read; "skip" leaves it out and names it.
        progress: called with (recordings done, recordings in all).

    Raises:
        UserError: a recording cannot be read; the folder cannot be written; the disk is full.
    """
    root = folder(where)
    full = key(source, transforms)
    path = root / f"{stem(source.name)}-{full[:16]}"
    found = _opened(path, full, on_error)
    if found:
        return found
    try:
        root.mkdir(parents=True, exist_ok=True)
        waiting = partial(_say, f"another process builds the cache of {source.name}; waiting for it")
        with held(root / f".{path.name}.lock", waiting=waiting):
            found = _opened(path, full, on_error)
            if found:
                return found
            for left in root.glob(f".{path.name}.building*"):  # of a build that was killed: we hold the lock
                shutil.rmtree(left, ignore_errors=True)
            building = root / f".{path.name}.building"
            try:
                told = [repr(t) for t in transforms]
                header = {"format": FORMAT, "key": full, "set": source.name, "transforms": told}
                cache_write.write(building, source, transforms, shape or source.shape, header, on_error, progress)
                if path.exists():
                    path.rename(root / f".{path.name}.building-damaged")
                os.replace(building, path)
                cache_write.sync(root)
            finally:
                for left in root.glob(f".{path.name}.building*"):
                    shutil.rmtree(left, ignore_errors=True)
    except OSError as error:
        raise UserError(
            f"the cache folder {root} cannot be written: {error.strerror or error}",
            "choose another with   dataset.cache=FOLDER   or   SNNCTL_CACHE=FOLDER",
        ) from error
    return Cache(path)


def _opened(path: Path, full: str, on_error: str) -> Cache | None:
    if not path.is_dir():
        return None
    try:
        cache = Cache(path)
    except ValueError as error:
        _say(f"the cache {path} is damaged ({error}) and is built again")
        return None
    if cache.meta["key"] != full:
        return None
    if cache.skipped and on_error == "raise":
        name, reason = next(iter(cache.skipped.items()))
        hint = f"{len(cache.skipped)} cannot be read; leave them out with   dataset.on_error=skip"
        raise UserError(f"{name}: {reason}", hint)
    return cache


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
