"""The rules that every event must pass, whatever file it came from."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from snnctl.datasets.recording import EVENT
from snnctl.errors import UserError

REMEDY = "remove or mend the file, or leave such files out: dataset.on_error=skip"
_TOP = {"x": np.iinfo("i2").max, "y": np.iinfo("i2").max, "p": np.iinfo("i1").max, "t": np.iinfo("i8").max}


def to_events(path: str | Path, t, x, y=None, p=None, sort: bool = False) -> np.ndarray:
    """Columns of a decoded file as EVENT, if they can be one recording.

    Args:
        path: the file (or file and sample), for messages.
        t: (n,) times in microseconds, not negative, rising or equal.
        x: (n,) columns or channels, from 0.
        y: (n,) rows from 0; None: zeros.
        p: (n,) polarities: 0/1, false/true, -1/1, or channels from 0; None: zeros.
        sort: put events that are out of time order in order, instead of refusing them.

    Returns:
        (n,) EVENT, n > 0, sorted by time.

    Raises:
        UserError: no event; columns of different lengths; numbers that are not whole; a negative or too large
            coordinate or time; time that runs backwards. It names the first bad event.
    """
    columns = {name: np.asarray(c).reshape(-1) for name, c in (("t", t), ("x", x), ("y", y), ("p", p)) if c is not None}
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{n} {name}" for name, n in lengths.items())
        raise UserError(f"{path}: its columns differ in length ({told})", REMEDY)
    if not lengths["t"]:
        raise UserError(f"{path}: holds no event", REMEDY)
    if "p" in columns and columns["p"].dtype.kind in "if" and columns["p"].min() == -1:
        columns["p"] = np.where(columns["p"] == -1, 0, columns["p"])
    for name, column in columns.items():
        _whole(path, columns, name, column)
    events = np.zeros(lengths["t"], EVENT)
    for name, column in columns.items():
        events[name] = column
    back = np.diff(events["t"]) < 0
    if back.any():
        if not sort:
            i = int(np.argmax(back)) + 1
            raise UserError(
                f"{path}: {_named(events, i)} lies {int(events['t'][i - 1] - events['t'][i])} us before the event "
                "ahead of it: out of time order",
                f"{REMEDY}\nor sort them: dataset.source.sort=true",
            )
        events = events[np.argsort(events["t"], kind="stable")]
    return events


def fitted(path: str | Path, events: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The events, if all lie on the sensor.

    Args:
        path: the file (or file and sample), for messages.
        events: (n,) EVENT; `p` is set to 0 where the shape has no polarity.
        shape: (P, H, W) of a sensor, (P, W) of a line with polarity, or (C,) of a cochlea, whose channel is x.

    Returns:
        `events`.

    Raises:
        UserError: an event lies outside; it names the first one.
    """
    if len(shape) == 1:
        events["p"] = 0
    depth, height, width = (1, 1, 1, *shape)[-3:] if len(shape) != 2 else (shape[0], 1, shape[1])
    outside = (events["x"] >= width) | (events["y"] >= height) | (events["p"] >= depth)
    if outside.any():
        pixels = f"{width} channels" if len(shape) == 1 else f"{width} x {height} pixels and {depth} polarities"
        raise UserError(
            f"{path}: {_named(events, int(np.argmax(outside)))} lies outside the sensor of {pixels}"
            f" ({int(outside.sum())} such events)",
            f"{REMEDY}\nif the sensor is another one, say so: dataset.source.shape",
        )
    return events


def _whole(path, columns, name: str, column: np.ndarray) -> None:
    if column.dtype.kind not in "biuf":
        raise UserError(f"{path}: {name} is of type {column.dtype}", "expected whole numbers")
    if column.dtype.kind == "f":
        odd = ~np.isfinite(column) | (column != np.floor(column))
        if odd.any():
            i = int(np.argmax(odd))
            unit = " (times are whole microseconds)" if name == "t" else ""
            raise UserError(f"{path}: {_named(columns, i)}: {name} is not a whole number{unit}", REMEDY)
    if column.dtype.kind == "b":
        return
    bad = (column < 0) | (column > _TOP[name])
    if bad.any():
        i = int(np.argmax(bad))
        said = "is negative" if column[i] < 0 else f"is above {_TOP[name]}"
        raise UserError(f"{path}: {_named(columns, i)}: {name} {said}", REMEDY)


def _named(columns, i: int) -> str:
    names = [n for n in ("t", "x", "y", "p") if n in (columns if isinstance(columns, dict) else columns.dtype.names)]
    told = ", ".join(f"{n}={columns[n][i]}" for n in names)
    return f"event {i} of {len(columns[names[0]])} ({told})"
