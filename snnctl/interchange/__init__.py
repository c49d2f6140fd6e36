"""Interchange: our neurons and networks as NIR, and back."""

from snnctl.interchange.file import read, write
from snnctl.interchange.forms import sayable, unsaid
from snnctl.interchange.from_node import Reading, neuron_of
from snnctl.interchange.note import without_notes
from snnctl.interchange.refused import refused
from snnctl.interchange.stretched import stretched
from snnctl.interchange.to_circuit import circuit_of
from snnctl.interchange.to_graph import graph_of
from snnctl.interchange.to_network import NIRNetwork, conventions, network_of
from snnctl.interchange.to_node import node_of

__all__ = [
    "NIRNetwork",
    "Reading",
    "circuit_of",
    "conventions",
    "graph_of",
    "network_of",
    "neuron_of",
    "node_of",
    "read",
    "refused",
    "sayable",
    "stretched",
    "unsaid",
    "without_notes",
    "write",
]
