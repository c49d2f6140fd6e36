"""A NIR graph while it is drawn."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import nir
import numpy as np
import torch
from torch import nn

from snnctl.errors import UserError
from snnctl.interchange.from_layer import Shape, typed
from snnctl.interchange.note import GraphNote, of_graph


@dataclass
class Draft:
    """Nodes and edges so far. A wire is the name of a node whose output goes somewhere; several wires are added.

    Args:
        dt: step width, s.

    Attributes:
        shapes: name -> shape after the node at one step.
        held: names of nodes that more than the next layer reads: they stay as they are.
        delayed: edges that close a cycle.
    """

    dt: float
    nodes: dict[str, nir.NIRNode] = field(default_factory=dict)
    edges: list[tuple[str, str]] = field(default_factory=list)
    shapes: dict[str, Shape] = field(default_factory=dict)
    held: set[str] = field(default_factory=set)
    delayed: list[tuple[str, str]] = field(default_factory=list)

    def add(self, name: str, node: nir.NIRNode, wires: Sequence[str], after: Shape) -> list[str]:
        """Add a node behind wires; returns the wire behind it.

        Raises:
            UserError: the name cannot be one in a file, or the node's weights are not finite or all 0.
        """
        if "/" in name or not name:
            raise UserError(f"layer {name!r}: a NIR file cannot hold this name", "rename it, without /")
        check_weights(f"layer {name}", node)
        name = self.free(name)
        self.nodes[name], self.shapes[name] = node, tuple(after)
        self.lead(wires, name)
        return [name]

    def free(self, name: str) -> str:
        """This name, or the nearest that no node has."""
        while name in self.nodes:
            name += "_"
        return name

    def lead(self, wires: Sequence[str], name: str) -> None:
        """Lead wires to a node. What comes twice comes through a Scale of 2, as an edge is there once."""
        for wire in dict.fromkeys(wires):
            count = list(wires).count(wire)
            if count > 1:
                self.held.add(wire)
                shape = self.shapes[wire]
                twice = typed(nir.Scale(np.full(shape, count, np.float32)), shape, shape)
                (wire,) = self.add(f"{wire}.times{count}", twice, [wire], shape)
            self.edges.append((wire, name))

    def readers(self, name: str) -> list[str]:
        """The nodes behind a node."""
        return [target for source, target in self.edges if source == name]

    def graph(self, end: str) -> nir.NIRGraph:
        """The graph of what leads to `end`, with dt and the delayed edges in its metadata."""
        before: dict[str, list[str]] = {name: [] for name in self.nodes}
        for source, target in self.edges:
            before[target].append(source)
        used = reached(before, end)
        nodes = {name: node for name, node in self.nodes.items() if name in used}
        edges = [edge for edge in self.edges if used.issuperset(edge)]
        note = GraphNote(self.dt, tuple(edge for edge in self.delayed if used.issuperset(edge)))
        return nir.NIRGraph(nodes, edges, metadata=of_graph(note), type_check=False)


class Adding(Protocol):
    """Adds layers to a draft, each by its class."""

    draft: Draft

    def layer(
        self, layer: nn.Module, name: str, wires: list[str], before: Shape, after: Shape
    ) -> tuple[list[str], Shape]:
        """Add a layer, and what is in it; the wires behind it, and their shape."""

    def neuron(self, neuron: nn.Module, name: str, title: str, wires: list[str], shape: Shape) -> list[str]:
        """Add neurons; the wire behind them."""


def check_weights(title: str, node: nir.NIRNode) -> None:
    """Raises a UserError if a node's weights are not finite, or all 0."""
    for name in ("weight", "bias", "scale", "delay"):
        values = getattr(node, name, None)
        if values is None:
            continue
        values = np.asarray(values)
        if values.dtype.kind not in "fiu":
            raise UserError(f"{title}: {name} is no array of numbers")
        if not np.isfinite(values).all():
            bad, count = values[~np.isfinite(values)].flat[0], int((~np.isfinite(values)).sum())
            raise UserError(f"{title}: {name} is {bad} in {count} of {values.size} places", "range          finite")
        if name in ("weight", "scale") and not values.any():
            raise UserError(f"{title}: {name} is 0 everywhere: nothing comes through", "train it, or leave it out")


def reached(following: Mapping[str, Sequence[str]], start: str) -> set[str]:
    """The nodes that can be reached from one."""
    seen, waiting = {start}, [start]
    while waiting:
        for name in following[waiting.pop()]:
            if name not in seen:
                seen.add(name)
                waiting.append(name)
    return seen


def dotted(name: str, inner: str) -> str:
    """The name of a layer in a container."""
    return f"{name}.{inner}".strip(".")


def shape_behind(layer: nn.Module, before: Shape) -> Shape:
    """The shape after a layer without a state, which is tried on zeros."""
    with torch.no_grad():
        return tuple(copy.deepcopy(layer).cpu().eval()(torch.zeros(2, *before)).shape[1:])
