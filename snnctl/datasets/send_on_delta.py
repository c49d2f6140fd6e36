"""Send-on-delta: a sampled signal becomes events, one whenever it has moved by a threshold."""

from __future__ import annotations

import numpy as np
from numba import njit

from snnctl.datasets.recording import EVENT
from snnctl.errors import UserError


@njit(cache=True)
def _send(values, theta, start, from_start, count, row, channel, sign):
    """Fill row, channel, sign (when they have room) and return the number of events; `count` is added to it."""
    rows, channels = values.shape
    reference = np.empty(channels)
    for c in range(channels):
        reference[c] = start if from_start else values[0, c]
    for k in range(rows):
        for c in range(channels):
            moved = (values[k, c] - reference[c]) / theta
            n = int(abs(moved) + 1e-9)  # 1e-9: a change of exactly n thetas sends n, despite rounding
            up = moved > 0
            if n > 0:
                reference[c] += theta * n if up else -theta * n
                if row.shape[0] > 0:
                    row[count : count + n] = k
                    channel[count : count + n] = c
                    sign[count : count + n] = up
                count += n
    return count


def send_on_delta(values: np.ndarray, theta: float, period: float, initial: float | None = None) -> np.ndarray:
    """Events of a signal that is sent only when it has changed by `theta`.

    n = floor(|v[k] - r| / theta);   n events of sign(v[k] - r) at t = k period;   r += sign n theta

    r is what the receiver knows of the channel. A step that spans several thetas sends several events at the same time.

    Args:
        values: (L, C) numbers, one row a sample.
        theta: threshold, in the unit of `values`, > 0.
        period: time between rows, s, > 0.
        initial: r before the first row, in the unit of `values`; None: the first row itself, which then sends nothing.

    Returns:
        EVENT array (n,), sorted by time, then channel: t = ceil(k period) in microseconds, x = channel, y = 0,
        p = 1 for up and 0 for down.

    Raises:
        UserError: theta or period not positive, values not (L, C) or not finite, more than 32,767 channels.

    Source: Miskowicz 2006, Sensors 6(1), doi:10.3390/s6010049.
    """
    values = np.ascontiguousarray(values, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] > np.iinfo("i2").max:
        raise UserError(f"send-on-delta: values have the shape {values.shape}", "expected (rows, channels <= 32767)")
    if not theta > 0 or not period > 0:
        raise UserError(f"send-on-delta: theta is {theta}, period is {period} s", "both must be greater than 0")
    if not np.isfinite(values).all():
        raise UserError("send-on-delta: values hold NaN or infinity", "mend or drop these rows first")
    if not values.size:
        return np.empty(0, EVENT)
    seed = (values, float(theta), 0.0 if initial is None else float(initial), initial is not None, 0)
    none = (np.empty(0, "i8"), np.empty(0, "i2"), np.empty(0, "i1"))
    n = _send(*seed, *none)
    row, channel, sign = np.empty(n, "i8"), np.empty(n, "i2"), np.empty(n, "i1")
    _send(*seed, row, channel, sign)
    events = np.zeros(n, EVENT)
    events["t"] = np.ceil(row * (period * 1e6) - 1e-3)  # up: an event never falls into the time bin before its row
    events["x"], events["p"] = channel, sign
    return events
