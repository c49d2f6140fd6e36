"""Pooling: a maximum stands behind its activation; an average may become a sum."""

from __future__ import annotations

import torch
from torch import nn

from snnctl.conversion.analog import Analog, Node
from snnctl.errors import UserError
from snnctl.networks import SpikeMaxPool2d, SumPool2d


def behind_activations(graph: Analog) -> None:
    """Let maximum pooling see activations, max(relu(x)) = relu(max(x)): only of spikes is a maximum known.

    Raises:
        UserError: it sees currents and no activation follows.
    """
    for node in graph.of("maximum"):
        title = f"layer {node.name} ({type(node.layer).__name__})"
        layer = node.layer
        if layer.dilation not in (1, (1, 1)) or layer.ceil_mode or layer.return_indices:
            raise UserError(f"{title} has dilation, ceil_mode or return_indices", "pool without, or with AvgPool2d")
        source = graph.nodes[node.sources[0]]
        if source.kind in ("activation", "maximum"):
            continue
        readers = graph.readers(node.name)
        if len(readers) != 1 or readers[0].kind != "activation":
            raise UserError(f"{title} pools currents, of which spikes cannot tell the largest",
                            "put it behind a ReLU, or take AvgPool2d, and train again")  # fmt: skip
        _exchange(graph, node, readers[0])


def _exchange(graph: Analog, pool: Node, activation: Node) -> None:
    """pool, activation -> activation, pool."""
    readers = graph.readers(activation.name)
    activation.sources, activation.shape = pool.sources, graph.nodes[pool.sources[0]].shape
    pool.sources = (activation.name,)
    for node in readers:
        node.sources = tuple(pool.name if source == activation.name else source for source in node.sources)
    order = [pool.name, activation.name]
    names = [order[1 - order.index(name)] if name in order else name for name in graph.nodes]
    graph.nodes = {name: graph.nodes[name] for name in names}


def spiking_pool(node: Node) -> SpikeMaxPool2d:
    """The pooling of spikes that stands for a maximum."""
    layer = node.layer
    return SpikeMaxPool2d(layer.kernel_size, layer.stride, layer.padding)


def summed(node: Node, shape: tuple[int, ...]) -> tuple[nn.Module, float]:
    """A layer that sums where another averages, and how many values its windows hold.

    Args:
        node: average pooling.
        shape: of what it reads.

    Returns:
        SumPool2d and its window's size; the layer itself and 1.0 where its windows are not all alike or not flat.
    """
    layer = node.layer
    if isinstance(layer, SumPool2d):
        return layer, 1.0
    kernel = _pair(getattr(layer, "kernel_size", 0))
    stride, padding = _pair(getattr(layer, "stride", 0)), _pair(getattr(layer, "padding", 0))
    if isinstance(layer, nn.AdaptiveAvgPool2d):
        if any(before % after for before, after in zip(shape[1:], node.shape[1:], strict=True)):
            return layer, 1.0
        kernel = stride = tuple(before // after for before, after in zip(shape[1:], node.shape[1:], strict=True))
        padding = (0, 0)
    elif (
        not isinstance(layer, nn.AvgPool2d)
        or layer.ceil_mode
        or layer.divisor_override
        or (any(padding) and not layer.count_include_pad)
    ):
        return layer, 1.0
    return SumPool2d(kernel, stride, padding), float(torch.Size(kernel).numel())


def _pair(value: int | tuple[int, ...]) -> tuple[int, ...]:
    return (value, value) if isinstance(value, int) else tuple(value)
