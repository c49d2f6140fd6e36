"""The graph of an ANN that is a snnctl network."""

from __future__ import annotations

import copy

from torch import nn

from snnctl.conversion.analog import INPUT, Analog
from snnctl.errors import UserError
from snnctl.networks import Add, Chain, Graph, Network, Repeat, Residual

PLAIN = (Chain, Repeat, Network)


def from_network(network: Network) -> Analog:
    """Layers, repetitions, residual blocks and graphs as operations, on copies of the layers.

    Raises:
        UserError: names a layer that no spiking layer stands for.
    """
    network = copy.deepcopy(network).eval()
    graph = Analog(network.facts.shape)
    if isinstance(network, Graph):
        for name, layer in network.layers.items():
            graph.add(name, layer, network.sources[name], network.dt)
        return graph
    _chain(graph, network, INPUT, "", network.dt)
    return graph


def _chain(graph: Analog, chain: Chain, source: str, prefix: str, dt: float) -> str:
    for key, layer in chain.layers.items():
        source = _layer(graph, layer, source, f"{prefix}{key}", dt)
    return source


def _layer(graph: Analog, layer: nn.Module, source: str, name: str, dt: float) -> str:
    if type(layer) in PLAIN:
        return _chain(graph, layer, source, f"{name}.", dt)
    if type(layer) is Residual:
        if layer.join != "add":
            raise UserError(f"layer {name} (Residual) joins by {layer.join}", "an ANN's branches are added: join: add")
        block = _chain(graph, layer, source, f"{name}.", dt)
        around = layer.shortcut
        around = source if isinstance(around, nn.Identity) else _layer(graph, around, source, f"{name}.shortcut", dt)
        return graph.add(f"{name}.add", Add(), (block, around), dt)
    return graph.add(name, layer, (source,), dt)
