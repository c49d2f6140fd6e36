"""What a network is trained for: losses over a readout, penalties on firing."""

from snnctl.losses.cross_entropy import (
    FinalMembraneCrossEntropy,
    MaxMembraneCrossEntropy,
    MeanMembraneCrossEntropy,
    PerStepCrossEntropy,
    RateCrossEntropy,
    SpikeCountCrossEntropy,
)
from snnctl.losses.ctc import CTC
from snnctl.losses.first_spike import FirstSpike
from snnctl.losses.loss import CrossEntropy, Loss
from snnctl.losses.mse import MembraneMSE, RateMSE, SpikeCountMSE
from snnctl.losses.parameters import ParameterBounds, ParameterNorm
from snnctl.losses.peak import BinaryPeak, Peak
from snnctl.losses.regularizers import FiringRate, L1Sparsity, MembraneBounds, SynapseBudget
from snnctl.losses.similarity import SpikeSimilarity
from snnctl.losses.spike_time_mse import SpikeTimeMSE
from snnctl.losses.tempotron import Tempotron

__all__ = [
    "CTC",
    "BinaryPeak",
    "CrossEntropy",
    "FinalMembraneCrossEntropy",
    "FiringRate",
    "FirstSpike",
    "L1Sparsity",
    "Loss",
    "MaxMembraneCrossEntropy",
    "MeanMembraneCrossEntropy",
    "MembraneBounds",
    "MembraneMSE",
    "ParameterBounds",
    "ParameterNorm",
    "Peak",
    "PerStepCrossEntropy",
    "RateCrossEntropy",
    "RateMSE",
    "SpikeCountCrossEntropy",
    "SpikeCountMSE",
    "SpikeSimilarity",
    "SpikeTimeMSE",
    "SynapseBudget",
    "Tempotron",
]
