"""What a network is trained for: losses over a readout, penalties on firing."""

from snnctl.losses.cross_entropy import (
    MaxMembraneCrossEntropy,
    MeanMembraneCrossEntropy,
    PerStepCrossEntropy,
    RateCrossEntropy,
    SpikeCountCrossEntropy,
)
from snnctl.losses.first_spike import FirstSpike
from snnctl.losses.loss import CrossEntropy, Loss
from snnctl.losses.mse import RateMSE
from snnctl.losses.regularizers import FiringRate, L1Sparsity

__all__ = [
    "CrossEntropy",
    "FiringRate",
    "FirstSpike",
    "L1Sparsity",
    "Loss",
    "MaxMembraneCrossEntropy",
    "MeanMembraneCrossEntropy",
    "PerStepCrossEntropy",
    "RateCrossEntropy",
    "RateMSE",
    "SpikeCountCrossEntropy",
]
