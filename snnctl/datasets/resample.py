"""Rows of values onto the time grid of a batch."""

from __future__ import annotations

import numpy as np


def resampled(values: np.ndarray, period: float, dt: float, steps: int) -> np.ndarray:
    """Rows that come every `period` seconds as `steps` rows of `dt` seconds, zero past the recording's end.

    dt = period: as they are. dt > period: step k is the mean of the rows that begin within it. dt < period: step k is
    the row under way when it begins.

    Args:
        values: (L, *shape) uint8 or float32.
        period: seconds a row, > 0.
        dt: seconds a step.
        steps: T.

    Returns:
        (T, *shape) float32; uint8 is scaled to 0..1.
    """
    scale = np.float32(1 / 255) if values.dtype == np.uint8 else np.float32(1)
    out = np.zeros((steps, *values.shape[1:]), np.float32)
    ratio = dt / period
    if abs(ratio - 1) < 1e-9:
        n = min(len(values), steps)
        np.multiply(values[:n], scale, out=out[:n])
    elif ratio < 1:
        row = np.floor(np.arange(steps) * ratio + 1e-9).astype(np.int64)
        n = int(np.searchsorted(row, len(values)))
        np.multiply(values[row[:n]], scale, out=out[:n])
    else:
        step = np.floor(np.arange(len(values)) / ratio + 1e-9).astype(np.int64)
        used = min(steps, int(step[-1]) + 1)
        edges = np.searchsorted(step, np.arange(used + 1))
        total = np.add.reduceat(values[: edges[-1]].astype(np.float32), edges[:-1], axis=0)
        count = np.diff(edges).astype(np.float32).reshape(-1, *[1] * (values.ndim - 1))
        out[:used] = total * (scale / count)
    return out


def steps_of(rows: np.ndarray, period: np.ndarray, dt: float) -> np.ndarray:
    """(n,) time steps that recordings of `rows` rows last: ceil(rows period / dt), at least 1."""
    return np.maximum(np.ceil(rows * period / dt - 1e-9).astype(np.int64), 1)
