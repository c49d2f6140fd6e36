"""What is timed: the workloads, as plain numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Task = Literal["layer", "sum", "training"]


@dataclass(frozen=True)
class Case:
    """One workload, the same for everyone who is timed on it.

    Args:
        name: as typed on the command line.
        family: name of the function that builds it in `models`, in `floors` and in an adapter of a framework.
        about: one line for the reader.
        floor: the least work that any implementation with dense products does, in words.
        task: "layer": gradient of the input for a random output gradient; "sum": gradient of the weights for the sum of
            the outputs; "training": a step of Adam on the cross entropy of the summed outputs.
        steps, batch: T, B.
        shape: the input at one step.
        widths: neurons of the layer, or channels of each convolution.
        classes: outputs of a training step.
        density: share of the inputs that are events; 0: Gaussian currents.
        scale: standard deviation of Gaussian currents, unit of v.
    """

    name: str
    family: str
    about: str
    floor: str
    task: Task
    steps: int
    batch: int
    shape: tuple[int, ...]
    widths: tuple[int, ...]
    classes: int = 0
    density: float = 0.0
    scale: float = 1.0

    @property
    def neurons(self) -> int:
        """N of the layer."""
        return self.widths[0]

    @property
    def features(self) -> int:
        """Inputs of the last linear layer of a convolutional network: each convolution is followed by a 2x2 pool."""
        sides = [side // 2 ** len(self.widths) for side in self.shape[1:]]
        return self.widths[-1] * math.prod(sides)

    @property
    def size(self) -> str:
        """`T100 B64 N512`."""
        return f"T{self.steps} B{self.batch} N{'-'.join(map(str, self.widths))}"


def _linear(n: int) -> Case:
    about = "Linear + LIF, the open-neuromorphic benchmark, forward and backward"
    return Case(f"onb{n}", "onb", about, "the product of Linear over all steps", "sum", 500, 16, (n,), (n,))


def _layer(name: str, about: str) -> Case:
    about, floor = f"{about}, forward and backward", "12 bytes moved a neuron and step, twice"
    return Case(name, name, about, floor, "layer", 100, 64, (512,), (512,), scale=0.6)


def _recurrent(name: str, steps: int, batch: int, hidden: int, density: float) -> Case:
    about = f"recurrent LIF behind 700 inputs with {100 * density:g} % events, training step"
    shape, floor = (700,), "its dense products"
    return Case(name, "shd", about, floor, "training", steps, batch, shape, (hidden,), classes=20, density=density)


_RLIF = Case(
    "rlif", "rlif", "recurrent LIF, forward and backward", "the dense products of its feedback", "layer",
    100, 64, (256,), (256,), scale=0.6,
)  # fmt: skip
_CONV = Case(
    "conv", "conv", "three convolutions with LIF and pooling, training step",
    "its convolutions, channels-last, and pools", "training",
    20, 32, (2, 34, 34), (16, 32, 64), classes=10, density=0.02,
)  # fmt: skip

CASES: dict[str, Case] = {
    case.name: case
    for case in (
        _linear(512),
        _linear(2048),
        _layer("lif", "LIF layer"),
        _layer("cuba", "LIF layer with synaptic current"),
        _layer("alif", "adaptive LIF layer"),
        _RLIF,
        _recurrent("shd100", 100, 128, 256, 0.05),
        _recurrent("shd250", 250, 64, 128, 0.03),
        _CONV,
    )
}
