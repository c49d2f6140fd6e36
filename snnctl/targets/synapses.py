"""The connections of a projection, counted from the shapes of its layers, whatever their weights."""

from __future__ import annotations

import copy
from math import prod

import torch
from torch import Tensor, nn

from snnctl.circuits import Circuit, Projection, Scale, SumPool2d
from snnctl.targets.plan import Misfit

LINEAR = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.AvgPool2d, nn.Flatten, nn.Identity, SumPool2d, Scale)
KNOWN = ", ".join(kind.__name__ for kind in LINEAR)


def fan_in(projection: Projection, shape: tuple[int, ...]) -> Tensor:
    """Connections that arrive at each neuron, (N,) int64; from the shapes of the layers, whatever their weights."""
    if any(isinstance(layer, nn.Linear) for layer in projection.layers):  # with what is before it: all to all
        size = prod(_meta(projection)(torch.empty(1, *shape, device="meta")).shape[1:])
        return torch.full((size,), prod(shape))
    plain = copy.deepcopy(projection).to_empty(device="cpu")
    for values in (*plain.parameters(), *plain.buffers()):
        values.detach().fill_(1)
    for layer in plain.layers:
        if getattr(layer, "bias", None) is not None:
            layer.bias.detach().zero_()
    return (plain.matrix(shape)[0] != 0).sum(1)


def has_bias(projection: Projection) -> bool:
    """Whether a layer adds a constant."""
    return any(getattr(layer, "bias", None) is not None for layer in projection.layers)


def unknown_layers(circuit: Circuit) -> list[Misfit]:
    """A misfit for every layer that is no matrix."""
    return [
        Misfit(name, f"a {type(layer).__name__} is no matrix of synapses", f"it can be {KNOWN}")
        for projection in circuit.projections
        for name, layer in projection.named_layers().items()
        if not isinstance(layer, LINEAR)
    ]


def _meta(projection: Projection) -> Projection:
    return copy.deepcopy(projection).to("meta")
