"""What a NIR graph computes in steps of dt: populations of neurons, and the projections that join them."""

from snnctl.circuits.circuit import INPUT, OUTPUT, Circuit
from snnctl.circuits.layers import Scale, SumPool2d
from snnctl.circuits.projection import Projection

__all__ = ["INPUT", "OUTPUT", "Circuit", "Projection", "Scale", "SumPool2d"]
