"""What a network needs to know of a data set: shape, classes, bin width, number of steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Facts:
    """Facts of a data set as the network sees it; known before any recording is read.

    Args:
        shape: one time step, channels first: (P, H, W) of a sensor, (C,) of a cochlea, (C, H, W) of an image.
        classes: names of the classes; a target is an index into them. Or names of the outputs' traces.
        dt: width of a time step in seconds; 1.0 when bins have each sample's own width (`binning: per_sample`),
            and time constants are then in steps.
        steps: time steps T of a batch; None when samples differ in length.
        targets: "classes"; or "traces", what each output is to do at every step.
    """

    shape: tuple[int, ...]
    classes: tuple[str, ...]
    dt: float
    steps: int | None
    targets: Literal["classes", "traces"] = "classes"

    @property
    def outputs(self) -> str:
        """`10 classes`, or `1 trace`."""
        number = len(self.classes)
        return f"{number} classes" if self.targets == "classes" else f"{number} trace{'s' if number > 1 else ''}"

    def title(self, sample: int, target: int | None) -> str:
        """`sample 3, class b`: how a picture of a sample is headed; without a class where targets are traces."""
        return f"sample {sample}" if target is None else f"sample {sample}, class {self.classes[target]}"
