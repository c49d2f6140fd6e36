"""How a neuron stands in a NIR graph: the names of its parameters there, and what its input does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from torch import Tensor

DriveBy = Literal["exact", "euler", "step"]


@dataclass(frozen=True)
class Node:
    """A NIR node, and the neuron's parameters in it; `snnctl.interchange` reads it in both directions.

    Args:
        type: NIR's name of the node, such as LIF.
        names: NIR's name of a parameter -> the neuron's.
        fixed: NIR's name of a parameter -> the one value that it has in this neuron, in NIR's unit.

    Source: J. E. Pedersen et al., "Neuromorphic intermediate representation", Nature Communications 15 (2024),
    doi:10.1038/s41467-024-52259-9.
    """

    type: str
    names: Mapping[str, str] = field(default_factory=dict)
    fixed: Mapping[str, float] = field(default_factory=dict)


class Drive(NamedTuple):
    """What an input of 1, held over a step, adds to a variable: a number, or a tensor that broadcasts against a step.

    In a node the factor of the input, r or w_in, is step / exact; who reads it takes it times exact, or times euler.
    """

    step: float | Tensor  # by the neuron's step
    exact: float | Tensor  # by the differential equation with a factor of 1: 1 - exp(-dt / tau)
    euler: float | Tensor  # by one Euler step of it: dt / tau

    def per_factor(self, by: DriveBy) -> float | Tensor:
        """What a factor of 1 in the node stands for; with "step" the factor is what a step adds, whatever dt."""
        return 1.0 if by == "step" else getattr(self, by)
