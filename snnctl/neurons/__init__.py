"""Neurons: one file a model, each an equation, a state and a pure step."""

from snnctl.neurons.ad_lif import AdLIF
from snnctl.neurons.adex import AdEx
from snnctl.neurons.alif import ALIF
from snnctl.neurons.alpha_lif import AlphaLIF
from snnctl.neurons.associative_leaky import AssociativeLeaky
from snnctl.neurons.charged_if import ChargedIF
from snnctl.neurons.clif import CLIF
from snnctl.neurons.coba_lif import CobaLIF
from snnctl.neurons.coloured_noise import ColouredNoise
from snnctl.neurons.correlation import CorrelationSensor
from snnctl.neurons.coupled_lif import CoupledLIF
from snnctl.neurons.csrm import CSRM
from snnctl.neurons.cuba_lif import CubaLIF
from snnctl.neurons.delta_lif import DeltaLIF
from snnctl.neurons.dsr import DSR
from snnctl.neurons.eif import EIF
from snnctl.neurons.escape_lif import EscapeLIF
from snnctl.neurons.few_spike import FewSpike
from snnctl.neurons.gated_lif import GatedLIF
from snnctl.neurons.graded import GradedLIF, GradedSpikes
from snnctl.neurons.integrate_and_fire import IF
from snnctl.neurons.integrator import Integrator
from snnctl.neurons.izhikevich import Izhikevich
from snnctl.neurons.klif import KLIF
from snnctl.neurons.lapicque import Lapicque
from snnctl.neurons.leaky import Leaky
from snnctl.neurons.li import LI
from snnctl.neurons.liaf import LIAF
from snnctl.neurons.lif import LIF
from snnctl.neurons.mcculloch_pitts import McCullochPitts
from snnctl.neurons.mpbn_lif import MPBNLIF
from snnctl.neurons.multi_synapse import MultiSynapse
from snnctl.neurons.neuron import Neuron
from snnctl.neurons.parallel_lif import ParallelLIF
from snnctl.neurons.psn import PSN, MaskedPSN, SlidingPSN
from snnctl.neurons.qcfs import QCFS
from snnctl.neurons.qif import QIF
from snnctl.neurons.raf import RAF
from snnctl.neurons.rate import Rate
from snnctl.neurons.relu import ReLU
from snnctl.neurons.slstm import SLSTM, SConvLSTM
from snnctl.neurons.spiking import SpikingNeuron
from snnctl.neurons.spiking_gates import SpikingGRU, SpikingLSTM, SpikingRNN
from snnctl.neurons.stbif import STBIF
from snnctl.neurons.stp import STP
from snnctl.neurons.synapses import AlphaSynapse, ExpSynapse

__all__ = [
    "ALIF",
    "CLIF",
    "CSRM",
    "DSR",
    "EIF",
    "IF",
    "KLIF",
    "LI",
    "LIAF",
    "LIF",
    "MPBNLIF",
    "PSN",
    "QCFS",
    "QIF",
    "RAF",
    "SLSTM",
    "STBIF",
    "STP",
    "AdEx",
    "AdLIF",
    "AlphaLIF",
    "AlphaSynapse",
    "AssociativeLeaky",
    "ChargedIF",
    "CobaLIF",
    "ColouredNoise",
    "CorrelationSensor",
    "CoupledLIF",
    "CubaLIF",
    "DeltaLIF",
    "EscapeLIF",
    "ExpSynapse",
    "FewSpike",
    "GatedLIF",
    "GradedLIF",
    "GradedSpikes",
    "Integrator",
    "Izhikevich",
    "Lapicque",
    "Leaky",
    "MaskedPSN",
    "McCullochPitts",
    "MultiSynapse",
    "Neuron",
    "ParallelLIF",
    "Rate",
    "ReLU",
    "SConvLSTM",
    "SlidingPSN",
    "SpikingGRU",
    "SpikingLSTM",
    "SpikingNeuron",
    "SpikingRNN",
]
