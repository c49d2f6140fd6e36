"""Writing a cache: decode, transform, append to plain files, sync; meta.json last."""

from __future__ import annotations

import errno
import json
import os
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from snnctl.datasets.codes import encode, in_order, inside
from snnctl.datasets.draws import generator
from snnctl.datasets.recording import Recording
from snnctl.datasets.source import Source
from snnctl.datasets.transforms import apply
from snnctl.errors import UserError

LONGEST = np.iinfo(np.int32).max
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def write(
    path: Path,
    source: Source,
    transforms: Sequence[Callable],
    shape: tuple[int, ...],
    header: dict,
    on_error: str = "raise",
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write every part of `source` into the new folder `path`.

    Args:
        path: a folder that does not exist yet; the caller renames it when all is written.
        source: where recordings come from.
        transforms: applied to each recording in order.
        shape: of one time step after the transforms.
        header: what meta.json says besides.
        on_error: "raise" or "skip".
        progress: called with (recordings done, recordings in all).

    Raises:
        UserError: a recording cannot be read (with "raise"), every one cannot (with "skip"), or the disk is full.
        OSError: the folder cannot be written.
    """
    labels = source.parts()
    total = sum(len(part) for part in labels.values())
    path.mkdir()
    meta = header | {
        "created": time.strftime("%Y-%m-%d %H:%M:%S"), "kind": source.kind, "shape": list(shape), "arrays": {},
        "parts": {part: len(own) for part, own in labels.items()}, "missing": {}, "skipped": {},
    }  # fmt: skip
    done = 0
    try:
        for part, own in labels.items():
            with _Writer(path, part, source.kind, shape) as writer:
                for i in range(len(own)):
                    try:
                        writer.add(_prepared(source, part, i, transforms, shape))
                    except UserError as error:
                        if on_error == "raise":
                            raise _named(error, source.where(part, i)) from error
                        meta["skipped"][source.where(part, i)] = error.problem
                        meta["missing"].setdefault(part, []).append(i)
                        writer.add(None)
                    done += 1
                    if progress:
                        progress(done, total)
            meta["arrays"] |= writer.arrays
        if total and len(meta["skipped"]) == total:
            name, reason = next(iter(meta["skipped"].items()))
            raise UserError(f"none of the {total} recordings can be read; the first is {name}: {reason}")
        with open(path / "meta.json", "w") as file:
            json.dump(meta, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        sync(path)
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise _full(path, done, total) from error


def sync(path: Path) -> None:
    """Make a folder's entries last through a power cut, where the system can."""
    if os.name == "posix":
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


class _Writer:
    """Appends recordings to the files of one part; plain writes, so that a full disk is an error and not a signal."""

    def __init__(self, path: Path, part: str, kind: str, shape: tuple[int, ...]):
        self.path, self.part, self.kind, self.shape = path, part, kind, shape
        self.counts, self.extent, self.period = [0], [], []
        self.files, self.types = {}, {}
        self.arrays = {}

    def add(self, recording: tuple | None) -> None:
        columns, extent, period = recording or ({}, 0, 0.0)
        for name, column in columns.items():
            if name not in self.files:
                self.files[name] = open(self.path / f"{self.part}.{name}", "wb", buffering=1 << 20)
                self.types[name] = column.dtype
            if column.dtype != self.types[name]:
                raise UserError(f"values are {column.dtype}, others {self.types[name]}", "use one type in a set")
            self.files[name].write(memoryview(np.ascontiguousarray(column)).cast("B") if column.size else b"")
        self.counts.append(len(next(iter(columns.values()))) if columns else 0)
        self.extent.append(extent)
        self.period.append(period)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        for file in self.files.values():
            if kind is None:
                file.flush()
                os.fsync(file.fileno())
            try:
                file.close()
            except OSError:  # what is left in the buffer of a full disk
                if kind is None:
                    raise
        if kind is None:
            total = sum(self.counts)
            for name in self.files:
                tail = self.shape if name == "values" else ()
                self._declare(name, self.types[name], (total, *tail))
            for name, own in (
                ("offsets", np.cumsum(self.counts, dtype=np.int64)),
                ("extent", np.asarray(self.extent, np.int64)),
                ("period", np.asarray(self.period, np.float64)),
            ):
                with open(self.path / f"{self.part}.{name}", "wb") as file:
                    file.write(own.tobytes())
                    file.flush()
                    os.fsync(file.fileno())
                self._declare(name, own.dtype, own.shape)

    def _declare(self, name, dtype, shape):
        self.arrays[f"{self.part}.{name}"] = {"dtype": np.dtype(dtype).str, "shape": [int(n) for n in shape]}


def _prepared(source: Source, part: str, i: int, transforms, shape) -> tuple[dict[str, np.ndarray], int, float]:
    """Columns, extent in microseconds and period of one recording, checked and transformed."""
    recording = source.read(part, i)
    if source.kind == "events":
        return _events(recording, source.shape, transforms, shape, i)
    values = recording.values
    if values is None or values.ndim != len(source.shape) + 1 or not len(values):
        raise UserError(f"values of shape {getattr(values, 'shape', None)}", f"expected rows of shape {source.shape}")
    if values.dtype != np.uint8:
        values = values.astype(np.float32)
        if not np.isfinite(values).all():
            raise UserError("values hold NaN or infinity")
    for number, transform in enumerate(transforms):
        values = apply(transform, values, generator(0, 0, i, f"transform {number}"))
    if values.shape[1:] != tuple(shape):
        raise UserError(f"rows have the shape {values.shape[1:]}", f"expected {tuple(shape)}")
    if values.dtype not in (np.uint8, np.float32):
        values = values.astype(np.float32)
    return {"values": values}, recording.stop - recording.start, recording.period


def _events(recording: Recording, before, transforms, shape, i: int):
    events = recording.events
    if events is None or not len(events):
        raise UserError("the recording holds no event")
    if not inside(events, before):
        raise UserError(f"an event lies outside of the sensor {before}", "the file is damaged, or of another sensor")
    if not in_order(events):
        events = events[np.argsort(events["t"], kind="stable")]
    start, stop = recording.start, recording.stop
    events = events.copy()
    for number, transform in enumerate(transforms):
        events = apply(transform, events, generator(0, 0, i, f"transform {number}"))
    if len(events):  # N-MNIST declares 0.3 s and goes on a little; dataset.duration crops, the cache keeps all
        stop = max(stop, int(events["t"][-1]) + 1)
    if not 0 < stop - start <= LONGEST:
        raise UserError(
            f"the recording lasts {(stop - start) / 1e6:g} s", f"expected more than 0 and at most {LONGEST / 1e6:.0f} s"
        )
    t, code = encode(events, shape, start)
    return {"t": t, "code": code}, stop - start, 0.0


def _named(error: UserError, where: str) -> UserError:
    if where in error.problem:
        return error
    return UserError(f"{where}: {error.problem}", error.hint or "mend or remove it, or set   dataset.on_error=skip")


def _full(path: Path, done: int, total: int) -> UserError:
    written = sum(file.stat().st_size for file in path.iterdir())
    needed = written * total / max(done, 1)
    free = shutil.disk_usage(path).free + written
    return UserError(
        f"the cache does not fit into {path.parent}: about {needed / 1e6:,.1f} MB needed, {free / 1e6:,.1f} MB free",
        "free some (snnctl data clear), or choose another folder:   dataset.cache=FOLDER   or   SNNCTL_CACHE=FOLDER",
    )
