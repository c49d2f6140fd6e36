"""Networks whose layers branch and join, as parts of a NIR graph: a sum is several edges, a concatenation places."""

from __future__ import annotations

from collections import Counter

import nir
import numpy as np
from torch import nn

from snnctl.interchange.draft import Adding, dotted
from snnctl.interchange.from_layer import Shape, typed
from snnctl.networks.graph import INPUT, Graph
from snnctl.networks.joining import Add, Concatenate

Wires = list[str]


def add_graph(
    to_graph: Adding, graph: Graph, name: str, title: str, wires: Wires, before: Shape, after: Shape
) -> tuple[Wires, Shape]:
    """Add the layers of a `Graph`; the wires behind the last one, and their shape.

    Args:
        to_graph: adds a layer by its class. Others as of its methods.
    """
    draft = to_graph.draft
    kept: dict[str, tuple[Wires, Shape]] = {INPUT: (wires, before)}
    readers = Counter(source for reads in graph.sources.values() for source in set(reads))
    last = INPUT
    for inner, layer in graph.layers.items():
        sources = [kept[source] for source in graph.sources[inner]]
        kept[inner] = _joined(to_graph, layer, dotted(name, inner), sources, graph.shapes[inner])
        joins = isinstance(layer, (Add, Concatenate))
        if readers[inner] > 1 or joins:
            draft.held.update(kept[inner][0])  # another reader must not see a norm that is folded into it
        last = inner
    return kept[last]


def _joined(to_graph: Adding, layer: nn.Module, at: str, sources: list[tuple[Wires, Shape]], after: Shape):
    wires = [wire for found, _ in sources for wire in found]
    if isinstance(layer, Add):
        return wires, after
    if not isinstance(layer, Concatenate):
        return to_graph.layer(layer, at, wires, sources[0][1], after)
    placed, first = [], 0
    for number, (found, shape) in enumerate(sources):
        node = typed(placing(shape, first, after), shape, after)
        placed += to_graph.draft.add(f"{at}.{number}", node, found, after)
        first += shape[0]
    return placed, after


def placing(shape: Shape, first: int, after: Shape) -> nir.NIRNode:
    """The node that puts channels at `first` and on among those of `after`, and 0 elsewhere: weights of 0 and 1."""
    weight = np.zeros((after[0], shape[0]), np.float32)
    weight[first + np.arange(shape[0]), np.arange(shape[0])] = 1
    if len(shape) == 1:
        return nir.Linear(weight)
    kind, ones = (nir.Conv1d, 1) if len(shape) == 2 else (nir.Conv2d, (1, 1))
    size = shape[1] if len(shape) == 2 else tuple(shape[1:])
    zero = 0 if len(shape) == 2 else (0, 0)
    weight = weight.reshape(*weight.shape, *[1] * (len(shape) - 1))
    return kind(size, weight, ones, zero, ones, 1, np.zeros(after[0], np.float32))
