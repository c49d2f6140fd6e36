"""How neurons are wired: layers in order, recurrence, residual blocks, pooling, initialisation."""

from snnctl.circuits.layers import Scale, SumPool2d
from snnctl.networks.attention import AttentionProduct, Masked, SelfAttention
from snnctl.networks.chain import Chain
from snnctl.networks.cropping import ChannelShift, Crop2d
from snnctl.networks.delays import Delay, DelayedLinear
from snnctl.networks.dimensions import MultiDimensionalAttention
from snnctl.networks.feedback import AllToAll, MapToMap, OneToOne
from snnctl.networks.graph import Graph
from snnctl.networks.initialise import init_rates
from snnctl.networks.joining import Add, Concatenate
from snnctl.networks.lateral import LateralInhibition, WinnerTakeAll
from snnctl.networks.local import Local1d, Local2d, Local3d
from snnctl.networks.loop import Back, Loop
from snnctl.networks.network import Network
from snnctl.networks.norms import BatchNormThroughTime, NeuNorm, TemporalEffectiveBatchNorm, ThresholdBatchNorm
from snnctl.networks.populations import WithinPopulations
from snnctl.networks.recurrent import Recurrent
from snnctl.networks.repeat import Repeat
from snnctl.networks.residual import Residual
from snnctl.networks.sparse import MeanField, SparseLinear
from snnctl.networks.spectrum import Spectrum
from snnctl.networks.spike_pooling import SpikeMaxPool2d
from snnctl.networks.standardised import StandardisedConv2d
from snnctl.networks.stochastic import StochasticLinear
from snnctl.networks.voting import Voting
from snnctl.networks.waves import Waves

__all__ = [
    "Add",
    "AllToAll",
    "AttentionProduct",
    "Back",
    "BatchNormThroughTime",
    "Chain",
    "ChannelShift",
    "Concatenate",
    "Crop2d",
    "Delay",
    "DelayedLinear",
    "Graph",
    "LateralInhibition",
    "Local1d",
    "Local2d",
    "Local3d",
    "Loop",
    "MapToMap",
    "Masked",
    "MeanField",
    "MultiDimensionalAttention",
    "Network",
    "NeuNorm",
    "OneToOne",
    "Recurrent",
    "Repeat",
    "Residual",
    "Scale",
    "SelfAttention",
    "SparseLinear",
    "Spectrum",
    "SpikeMaxPool2d",
    "StandardisedConv2d",
    "StochasticLinear",
    "SumPool2d",
    "TemporalEffectiveBatchNorm",
    "ThresholdBatchNorm",
    "Voting",
    "Waves",
    "WinnerTakeAll",
    "WithinPopulations",
    "init_rates",
]
