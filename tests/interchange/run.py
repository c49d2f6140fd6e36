"""A network, and what is read of the file that it becomes, on one input."""

from __future__ import annotations

from pathlib import Path

import torch

from snnctl.circuits import Circuit
from snnctl.interchange import circuit_of, graph_of, read, write
from snnctl.networks import Network


def through_a_file(network: Network, path: Path, **options) -> Circuit:
    """Written, read, and built again at the dt of the file; in plain torch, which has nothing to compile."""
    write(path, graph_of(network, **options))
    return circuit_of(read(path), backend="eager")


def traces(network: Network, x: torch.Tensor) -> dict[str, torch.Tensor]:
    """What every layer of neurons gave, and "output"."""
    heard: dict[str, torch.Tensor] = {}
    hooks = [
        layer.register_forward_hook(lambda layer, args, out, name=name: heard.update({name: out[0]}))
        for name, layer in network.temporal_layers().items()
    ]
    with torch.no_grad():
        heard["output"] = network(x)[0]
    for hook in hooks:
        hook.remove()
    return heard


def compare(network: Network, circuit: Circuit, x: torch.Tensor) -> dict[str, float]:
    """Name -> spikes a step of each population; spikes must be equal, everything else up to 1e-5."""
    expected = traces(network, x)
    with torch.no_grad():
        out, _, found = circuit.trace(x)
    torch.testing.assert_close(out, expected["output"], rtol=1e-5, atol=1e-5)
    for name, given in found.items():
        if circuit.populations[name].spiking:
            assert torch.equal(given, expected[name]), name
    return {name: given.abs().mean().item() for name, given in found.items()}
