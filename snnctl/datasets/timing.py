"""dt, T and duration: what was asked for, put together with what a source declares."""

from __future__ import annotations

import math
from dataclasses import dataclass

from snnctl.datasets.binning import Bins
from snnctl.datasets.source import Source
from snnctl.errors import UserError

MOST_STEPS = 100_000


@dataclass(frozen=True)
class Timing:
    """How time is cut.

    Args:
        dt: seconds a step; 1.0 with bins of each sample's own width.
        steps: T; None when samples differ in length.
        bins: the bins of events.
    """

    dt: float
    steps: int | None
    bins: Bins


def timing(
    source: Source, dt: float | None, steps: int | None, duration: float | None, per_sample: bool = False
) -> Timing:
    """The time grid of a data set.

    dt given: T = ceil(duration / dt), or each sample's own where no duration is known. steps given:
    dt = duration / steps. Neither: a series keeps its own rows, dt = period.

    Args:
        source: what declares `duration`, `period` and `kind`.
        dt: seconds a step, or None.
        steps: number of steps, or None.
        duration: seconds used of each sample, or None for the source's.
        per_sample: `steps` equal bins of each sample's own extent.

    Raises:
        UserError: both of dt and steps, or neither where one is needed; no duration where one is needed; no steps, or
            absurdly many.
    """
    for name, value in (("dt", dt), ("duration", duration)):
        if value is not None and not (_is_number(value) and 0 < value < math.inf):
            raise UserError(f"dataset.{name} is {value!r}", "expected seconds, more than 0: 1e-3 is 1 ms")
    if steps is not None and (isinstance(steps, bool) or not isinstance(steps, int) or not 1 <= steps <= MOST_STEPS):
        raise UserError(f"dataset.steps is {steps!r}", f"expected a whole number of time steps from 1 to {MOST_STEPS}")
    if dt is not None and steps is not None:
        raise UserError(
            f"dataset.dt ({dt:g} s) and dataset.steps ({steps}) are both given",
            "one follows from the other: set   dataset.steps=null   or   dataset.dt=null",
        )
    if per_sample:
        return _per_sample(source, dt, steps, duration)
    declared = source.duration if duration is None else duration
    period = source.period if source.kind == "frames" else 0.0
    if dt is None and steps is None:
        if not period:
            raise UserError(
                f"{source.name}: neither dataset.dt nor dataset.steps is given",
                "set   dataset.dt=SECONDS   (1e-3 is 1 ms) or   dataset.steps=T",
            )
        dt = period
    if declared is None and (steps is not None or (source.kind == "frames" and not period)):
        raise UserError(
            f"{source.name} declares no duration, so dataset.{'dt' if steps is None else 'steps'} alone does not say T",
            "set   dataset.duration=SECONDS" + ("" if steps is None else "   or   dataset.dt   instead of steps"),
        )
    if steps is not None:
        return Timing(declared / steps, steps, Bins.of_number(steps, declared))
    if declared is not None:
        if dt > declared * (1 + 1e-9):
            raise UserError(
                f"dataset.dt is {dt:g} s, longer than the {declared:g} s of a sample: T would be 0",
                f"dt is in seconds: did you mean {dt / 1e3:g} ?",
            )
        steps = math.ceil(declared / dt - 1e-9)
        if steps > MOST_STEPS:
            raise UserError(
                f"dataset.dt is {dt:g} s: T would be {steps} steps of a sample of {declared:g} s",
                f"dt is in seconds: did you mean {dt * 1e3:g} or {dt * 1e6:g} ?",
            )
    return Timing(dt, steps, Bins.of_width(dt, steps))


def _per_sample(source, dt, steps, duration) -> Timing:
    if source.kind != "events":
        raise UserError(f"{source.name} holds values: binning=per_sample is for events", "set   dataset.binning=fixed")
    if dt is not None or steps is None:
        raise UserError("dataset.binning=per_sample takes dataset.steps, not dt", "set   dataset.dt=null steps=T")
    if duration is not None:
        raise UserError(
            "dataset.binning=per_sample cuts each sample's own extent: dataset.duration means nothing there",
            "set   dataset.duration=null",
        )
    return Timing(1.0, steps, Bins(steps=steps, per_sample=True))


def _is_number(value) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
