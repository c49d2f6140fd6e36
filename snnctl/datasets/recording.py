"""One decoded recording: what a Source's `read` returns and the cache stores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from snnctl.errors import UserError

EVENT = np.dtype([("t", "<i8"), ("x", "<i2"), ("y", "<i2"), ("p", "i1")])
"""One event: `t` in microseconds (sorted), column `x`, row `y`, polarity or channel `p`, all from zero."""


@dataclass
class Recording:
    """Events, or rows of values, with their extent in time.

    Args:
        events: (n,) array of EVENT sorted by `t`; None for values. A cochlea (shape (C,)) has its channel in `x`.
        values: (L, *shape) uint8 (0..255, read as 0..1) or float32, one row each `period`; None for events.
        start: first microsecond of the extent [start, stop). Time bins of a fixed width are counted from here.
        stop: end of the extent in microseconds, exclusive; moved behind the last event where that is later.
        period: seconds a row of `values`; 0 for a still image (L = 1).
    """

    events: np.ndarray | None = None
    values: np.ndarray | None = None
    start: int = 0
    stop: int = 0
    period: float = 0.0


def from_events(t, x, y=None, p=None, start: int | None = None, stop: int | None = None) -> Recording:
    """A Recording of events given column by column, sorted by time if they were not.

    Args:
        t: (n,) times in microseconds, integers (or floats, which are floored).
        x: (n,) columns, or channels where there is neither row nor polarity.
        y: (n,) rows; zeros where absent.
        p: (n,) polarities; zeros where absent.
        start: first microsecond of the extent; the first event's time if None.
        stop: end of the extent, exclusive; one past the last event if None.

    Raises:
        UserError: there is no event.
    """
    t = np.asarray(t)
    if t.size == 0:
        raise UserError("the recording holds no event", "remove the file, or set dataset.on_error=skip")
    t = t.astype(np.int64) if t.dtype.kind in "iu" else np.floor(t).astype(np.int64)
    events = np.zeros(t.size, EVENT)
    events["t"], events["x"] = t, x
    events["y"] = 0 if y is None else y
    events["p"] = 0 if p is None else p
    if np.any(t[1:] < t[:-1]):
        events = events[np.argsort(t, kind="stable")]
    first, last = int(events["t"][0]), int(events["t"][-1])
    return Recording(events=events, start=first if start is None else start, stop=last + 1 if stop is None else stop)
