"""What another framework makes of a graph that snnctl wrote: it reads the equations, and not our metadata."""

from __future__ import annotations

import copy
from typing import Any, NamedTuple

import nir
import numpy as np
import torch
from torch import Tensor

from snnctl.interchange.forms import unsaid
from snnctl.interchange.from_node import neuron_of
from snnctl.interchange.note import KEY, read
from snnctl.interchange.to_circuit import circuit_of


class Difference(NamedTuple):
    """Of a graph read with its metadata and without."""

    spikes: dict[str, float]  # population -> share of its values, over steps, samples and neurons, that differ
    output: float  # largest absolute difference of the output, its unit
    largest: float  # largest absolute value of the output


def lost(graph: nir.NIRGraph) -> list[str]:
    """One line for each node of which only snnctl reads all: the conventions that NIR cannot express; and for each that
    nir itself refuses to read with its check of shapes.
    """
    lines = []
    for name, node in graph.nodes.items():
        kind = type(node).__name__
        if read(node).neuron is not None:
            neuron = neuron_of(node).neuron
            said = ", ".join(f"{option}: {str(getattr(neuron, option)).lower()}" for option in unsaid(neuron))
            lines += [f"{name} ({kind}): {said} is in the metadata alone, which only snnctl reads"] if said else []
        if kind in ("Conv1d", "Conv2d") and (node.groups != 1 or len(set(node.weight.shape[2:])) > 1):
            why = "its groups" if node.groups != 1 else f"its oblong kernel {node.weight.shape[2:]}"
            lines.append(f"{name} ({kind}): nir counts {why} wrongly; others read it with nir.read(type_check=False)")
    return lines


def unmarked(graph: nir.NIRGraph) -> nir.NIRGraph:
    """The graph without what snnctl wrote into its metadata; the nodes' arrays are shared."""

    def bare(node: Any) -> Any:
        node = copy.copy(node)
        node.metadata = {key: value for key, value in node.metadata.items() if key != KEY}
        if isinstance(node, nir.NIRGraph):
            node.nodes = {name: bare(inner) for name, inner in node.nodes.items()}
        return node

    return bare(graph)


@torch.no_grad()
def difference(graph: nir.NIRGraph, x: Tensor, dt: float, **options: Any) -> Difference:
    """How far a reader without the metadata is from what was meant, on an input.

    Args:
        graph: that snnctl wrote.
        x: (T, B, *input).
        dt: step width, s.
        options: the other reader's conventions, of `circuit_of`, such as decay="euler"; by default the equation's own:
            its exact solution, v > v_threshold, v = v_reset.
    """
    notes = [read(node) for node in graph.nodes.values()]
    drive = next((note.drive for note in notes if note.drive is not None), "exact")
    ours = circuit_of(graph, dt, **{k: v for k, v in options.items() if k == "backend"})
    theirs = circuit_of(unmarked(graph), dt, **{"drive": drive, **options})
    out, _, given = ours.trace(x)
    other, _, read_as = theirs.trace(x)
    spikes = {
        name: float(np.mean((given[name] != read_as[name]).numpy(force=True)))
        for name, neuron in ours.populations.items()
        if neuron.spiking
    }
    return Difference(spikes, (out - other).abs().max().item(), out.abs().max().item())
