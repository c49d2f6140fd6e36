"""A circuit as nodes of a NIR graph: what came from a file goes into one again."""

from __future__ import annotations

import nir
import numpy as np

from snnctl.circuits import INPUT, OUTPUT, Circuit, Projection
from snnctl.interchange.draft import Adding, dotted, shape_behind
from snnctl.interchange.from_layer import Shape, typed


def add_circuit(
    to_graph: Adding, circuit: Circuit, name: str, title: str, wires: list[str], before: Shape, after: Shape | None
) -> tuple[list[str], Shape]:
    """Add a node for each population and each layer of a projection; the wires to its output, and their shape.

    Of the delays within a cycle one step is the edge's own, as everywhere in NIR; the others are Delay nodes.
    """
    draft = to_graph.draft
    nodes = {INPUT: wires}
    for population, neuron in circuit.populations.items():
        shape = circuit.shapes[population]
        nodes[population] = to_graph.neuron(neuron, dotted(name, population), "", [], shape)
    arrived: dict[str, list[str]] = {population: [] for population in (*circuit.names, OUTPUT)}
    together = [set(group) for group in circuit.order]
    for p in circuit.projections:
        cyclic = any(p.source in group and p.target in group for group in together) and p.delay > 0
        arrived[p.target] += _add_projection(to_graph, p, name, nodes[p.source], circuit, cyclic)
    for population in circuit.names:
        (node,) = nodes[population]
        draft.lead(arrived[population], node)
    return arrived[OUTPUT], circuit.shapes[OUTPUT]


def _add_projection(
    to_graph: Adding, p: Projection, name: str, wires: list[str], circuit: Circuit, cyclic: bool
) -> list[str]:
    draft, shape, start = to_graph.draft, circuit.shapes[p.source], len(to_graph.draft.edges)
    source = wires
    steps = p.delay - cyclic
    if steps:
        seconds = typed(nir.Delay(np.full(shape, steps * circuit.dt)), shape, shape)
        wires = draft.add(dotted(name, f"{p.source}.to.{p.target}.delay"), seconds, wires, shape)
    elif cyclic and not len(p.layers):  # an edge of its own, whatever else joins the two
        wires = draft.add(dotted(name, f"{p.source}.to.{p.target}"), _ones(shape), wires, shape)
    for inner, layer in p.named_layers().items():
        after = shape_behind(layer, shape)
        wires, shape = to_graph.layer(layer, dotted(name, inner), wires, shape, after)
    if cyclic:
        draft.delayed += [edge for edge in draft.edges[start:] if edge[0] in source]
    return wires


def _ones(shape: Shape) -> nir.NIRNode:
    return typed(nir.Scale(np.ones(shape, np.float32)), shape, shape)
