"""The fixed point of SpiNNaker's cores: s1615, a sign, 16 bits before the point and 15 behind it.

Source: sPyNNaker, neural_modelling/src/neuron: models/neuron_model_lif_impl.h, decay.h,
synapse_types/exponential; S. Furber et al., "The SpiNNaker project", Proceedings of the IEEE 102 (2014),
doi:10.1109/JPROC.2014.2304638.
"""

from __future__ import annotations

from torch import Tensor

POINT = 15
ONE = 1 << POINT
LARGEST = (1 << 31) - 1  # bits of the largest s1615, just below 65536
FRACTION = 32  # bits of a decay factor, u032
WEIGHT = (1 << 16) - 1  # largest weight, and largest sum of a step's weights, before their shift


def bits(x: Tensor) -> Tensor:
    """Real numbers to the nearest s1615, int64."""
    return (x.double() * ONE).round().long()


def product(a: Tensor, b: Tensor) -> Tensor:
    """a b of two s1615, rounded to the nearest."""
    return (a * b + (1 << (POINT - 1))) >> POINT


def decayed(x: Tensor, factor: Tensor) -> Tensor:
    """x of s1615 times a factor of 32 bits, rounded down."""
    return (x * factor) >> FRACTION
