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


def synaptic_operations(circuit: Circuit, x: Tensor, outs: Mapping[str, Tensor]) -> dict[str, float]:
    """Synaptic operations of each projection a sample: sum over steps of spikes times the weights that each meets.

    A value other than 0 counts once, however large.

    Args:
        x: (T, B, *input). outs: population -> (T, B, *shape), as `Circuit.trace` gives them.

    Returns:
        Title of the projection -> operations, for those with weights.
    """
    found: dict[str, float] = {}
    for p in circuit.projections:
        source = x if p.source == INPUT else outs[p.source]
        active = (source != 0).flatten(0, 1).sum(0).to(torch.float64)
        count = (active * fan_out(p, circuit.shapes[p.source])).sum().item()
        if any(getattr(layer, "weight", None) is not None for layer in p.layers):
            found[p.title] = found.get(p.title, 0) + count / x.shape[1]
    return found
