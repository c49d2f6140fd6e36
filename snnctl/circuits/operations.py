"""How many synapses a spike of each neuron reaches."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from snnctl.circuits.circuit import INPUT, Circuit
from snnctl.circuits.layers import SumPool2d
from snnctl.circuits.projection import Projection


def fan_out(projection: Projection, shape: tuple[int, ...]) -> Tensor:
    """Weights other than 0 that a spike of each source neuron meets, (*shape), float32.

    Of layers without weights (pooling, flattening) nothing is counted, and each spike passes a pooling by itself, as an
    event-driven chip has it; where there are several layers with weights in a row, those that it reaches in each.
    """
    total = torch.zeros(shape)
    layers = list(projection.layers)
    for last in range(len(layers)):
        if getattr(layers[last], "weight", None) is None:
            continue
        s = torch.zeros(1, *shape, requires_grad=True)
        y = s
        for layer in layers[: last + 1]:
            y = _counting(layer)(y)
        total += torch.autograd.grad(y.sum(), s)[0][0] if y.requires_grad else 0
    return total


def _counting(layer: nn.Module) -> nn.Module:
    """A layer whose weights are 1 where they were not 0; pooling passes every spike on."""
    if isinstance(layer, nn.AvgPool2d):
        return SumPool2d(layer.kernel_size, layer.stride, layer.padding)
    if getattr(layer, "weight", None) is None:
        return layer
    layer = copy.deepcopy(layer).requires_grad_(False)
    layer.weight.data = (layer.weight != 0).float()
    if layer.bias is not None:
        layer.bias.data.zero_()
    return layer


class SynapticOperations:
    """Counts the synaptic operations of a circuit: spikes, times the weights other than 0 that each meets.

    A value other than 0 counts once, however large.

    Args:
        circuit: with the weights that count; they are looked at once.
    """

    def __init__(self, circuit: Circuit):
        self._fans = [
            (p.title, p.source, fan_out(p, circuit.shapes[p.source]).double())
            for p in circuit.projections
            if any(getattr(layer, "weight", None) is not None for layer in p.layers)
        ]

    def of(self, x: Tensor, outs: Mapping[str, Tensor]) -> dict[str, float]:
        """Title of each projection with weights -> operations of all samples and steps.

        Args:
            x: (T, B, *input). outs: population -> (T, B, *shape), as `Circuit.trace` gives them.
        """
        found: dict[str, float] = {}
        for title, source, fan in self._fans:
            active = ((x if source == INPUT else outs[source]) != 0).flatten(0, 1).sum(0)
            found[title] = found.get(title, 0) + (active * fan).sum().item()
        return found
