"""What a network needs to know of a data set: shape, classes, bin width, number of steps."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Facts:
    """Facts of a data set as the network sees it; known before any recording is read.

    Args:
        shape: one time step, channels first: (P, H, W) of a sensor, (C,) of a cochlea, (C, H, W) of an image.
        classes: names of the classes; a target is an index into them.
        dt: width of a time step in seconds; 1.0 when bins have each sample's own width (`binning: per_sample`),
            and time constants are then in steps.
        steps: time steps T of a batch; None when samples differ in length.
    """

    shape: tuple[int, ...]
    classes: tuple[str, ...]
    dt: float
    steps: int | None
