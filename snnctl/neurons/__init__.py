"""Neurons: one file a model, each an equation, a state and a pure step."""

from snnctl.neurons.alif import ALIF
from snnctl.neurons.cuba_lif import CubaLIF
from snnctl.neurons.integrate_and_fire import IF
from snnctl.neurons.leaky import Leaky
from snnctl.neurons.li import LI
from snnctl.neurons.lif import LIF
from snnctl.neurons.neuron import Neuron
from snnctl.neurons.relu import ReLU
from snnctl.neurons.spiking import SpikingNeuron

__all__ = ["ALIF", "IF", "LI", "LIF", "CubaLIF", "Leaky", "Neuron", "ReLU", "SpikingNeuron"]
