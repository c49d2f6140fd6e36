"""Interchange: our neurons as nodes of a NIR graph, and back."""

from snnctl.interchange.from_node import Reading, neuron_of
from snnctl.interchange.to_node import node_of

__all__ = ["Reading", "neuron_of", "node_of"]
