"""A network as a NIR graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import nir
import numpy as np
import torch
from torch import nn

from snnctl.circuits import Circuit
from snnctl.errors import UserError
from snnctl.interchange.branching import add_graph
from snnctl.interchange.draft import Draft, dotted, shape_behind
from snnctl.interchange.folding import add_norm
from snnctl.interchange.from_circuit import add_circuit
from snnctl.interchange.from_layer import IDLE, Shape, affine, array, node_for, typed
from snnctl.interchange.to_network import NIRNetwork
from snnctl.interchange.to_node import node_of
from snnctl.networks.chain import Chain
from snnctl.networks.delays import Delay, DelayedLinear
from snnctl.networks.graph import Graph
from snnctl.networks.loop import Loop
from snnctl.networks.network import Network
from snnctl.networks.recurrent import Recurrent
from snnctl.networks.repeat import Repeat
from snnctl.networks.residual import Residual
from snnctl.networks.spectrum import Spectrum
from snnctl.neurons.neuron import Neuron
from snnctl.neurons.node import DriveBy

Wires = list[str]
NORMS = nn.modules.batchnorm._BatchNorm


def graph_of(
    network: Network | Circuit, dt: float | None = None, *, allow: Sequence[str] = (), drive: DriveBy = "exact"
) -> nir.NIRGraph:
    """The NIR graph that computes what a network does once it is trained, in steps of dt.

    A node has its layer's dotted name. What several layers give to one is several edges, which NIR adds; a feedback is
    an edge back, and comes one step later, which the graph's metadata says. Dropout is left out, batch norms are folded
    into the layer before them. dt and the conventions of the neurons are in the metadata (see `node_of`).

    Args:
        network: with its trained weights; or a circuit.
        dt: step width, s; None for the network's own.
        allow, drive: of `node_of`, for all neurons.

    Raises:
        UserError: names a layer that NIR cannot express, with its class and what to do; weights that are not finite or
            all 0.
    """
    dt = network.dt if dt is None else dt
    start = network.shapes["input"] if isinstance(network, Circuit) else network.facts.shape
    to_graph = _ToGraph(Draft(float(dt)), allow, drive)
    with torch.no_grad():
        return to_graph.whole(network, tuple(start))


class _ToGraph:
    """Adds layers to a draft, one after the other.

    Args:
        draft: gets the nodes.
        allow, drive: of `node_of`.
    """

    def __init__(self, draft: Draft, allow: Sequence[str], drive: DriveBy):
        self.draft, self.allow, self.drive = draft, tuple(allow), drive

    def whole(self, network: nn.Module, shape: Shape) -> nir.NIRGraph:
        draft = self.draft
        taken = [name for name, *_ in network.walk()] if isinstance(network, Chain) else network.names
        ends = {end: end + "_" if end in taken else end for end in ("input", "output")}
        wires = draft.add(ends["input"], nir.Input({"input": np.array(shape)}), [], shape)
        wires, after = self.layer(network, "", wires, shape, getattr(network, "shape_out", None))
        (end,) = draft.add(ends["output"], nir.Output({"output": np.array(after)}), wires, after)
        return draft.graph(end)

    def layer(self, layer: nn.Module, name: str, wires: Wires, before: Shape, after: Shape) -> tuple[Wires, Shape]:
        """Add a layer, and what is in it; the wires behind it, and their shape."""
        title = f"layer {name} ({type(layer).__name__})"
        add = CONTAINERS.get(type(layer))
        if add is not None:
            return add(self, layer, name, title, wires, before, after)
        if isinstance(layer, IDLE):
            return wires, before
        if isinstance(layer, NORMS):
            return add_norm(self.draft, name, layer, title, wires, before), after
        if isinstance(layer, Neuron):
            return self.neuron(layer, name, title, wires, before), before
        if getattr(layer, "temporal", False):
            why = getattr(layer, "why", "it has a state of its own")
            raise UserError(
                f"{title}: NIR has no node for it: {why}", "leave it out, or put neurons and linear layers there"
            )
        return self.draft.add(name, node_for(layer, title, before, after), wires, after), after

    def neuron(self, neuron: Neuron, name: str, title: str, wires: Wires, shape: Shape) -> Wires:
        try:
            node = node_of(neuron, self.draft.dt, shape=shape, drive=self.drive, allow=self.allow)
        except UserError as error:
            raise UserError(f"layer {name}: {error.problem}", error.hint) from None
        return self.draft.add(name, node, wires, shape)

    def chain(self, chain: Chain, name: str, title: str, wires: Wires, before: Shape, after: Shape):
        for inner, layer in chain.layers.items():
            alone = isinstance(layer, Circuit) and isinstance(chain, Network)  # its populations are the layers
            wires, before = self.layer(
                layer, name if alone else dotted(name, inner), wires, before, chain.shapes[inner]
            )
        return wires, before

    def sequential(self, layers: nn.Sequential, name: str, title: str, wires: Wires, before: Shape, after: Shape):
        for inner, layer in layers.named_children():
            now = shape_behind(layer, before)
            wires, before = self.layer(layer, dotted(name, inner), wires, before, now)
        return wires, before

    def residual(self, block: Residual, name: str, title: str, wires: Wires, before: Shape, after: Shape):
        if block.join != "add":
            raise UserError(f"{title}: NIR cannot express join: {block.join}", "set            join: add")
        self.draft.held.update(wires)
        through, _ = self.chain(block, name, title, wires, before, after)
        around, _ = self.layer(block.shortcut, f"{name}.shortcut", wires, before, after)
        return through + around, after

    def recurrent(self, layer: Recurrent, name: str, title: str, wires: Wires, shape: Shape, after: Shape):
        if not isinstance(layer.neuron, Neuron):
            kind = type(layer.neuron).__name__
            raise UserError(
                f"{title}: NIR has no node for {kind}, its activation", "choose         spiking neurons, or LI"
            )
        (wire,) = self.neuron(layer.neuron, name, title, wires, shape)
        at = f"layer {name}.feedback ({type(layer.feedback).__name__})"
        (back,) = self.draft.add(f"{wire}.feedback", node_for(layer.feedback, at, shape, shape), [wire], shape)
        self.draft.delayed.append((wire, back))
        self.draft.lead([back], wire)
        return [wire], shape

    def loop(self, loop: Loop, name: str, title: str, wires: Wires, before: Shape, after: Shape):
        draft = self.draft
        begins: dict[str, tuple[str, Shape]] = {}  # target -> the node that takes its input, and its shape
        gave: dict[str, Wires] = {}
        targets, sources = {b.target for b in loop.back.values()}, {b.source for b in loop.back.values()}
        shape = before
        for inner, layer in loop.layers.items():
            at = dotted(name, inner)
            composed = type(layer) in (CONTAINERS.keys() - {Recurrent}) or isinstance(layer, (*IDLE, NORMS))
            if inner in targets and composed:  # then a node of its own adds what comes back
                ones = typed(nir.Scale(np.ones(shape, np.float32)), shape, shape)
                wires = draft.add(f"{at}.sum", ones, wires, shape)
                begins[inner] = wires[0], shape
            gave[inner], now = self.layer(layer, at, wires, shape, loop.shapes[inner])
            begins.setdefault(inner, (gave[inner][0], shape))
            wires, shape = gave[inner], now
            if inner in (loop.output, *sources):
                draft.held.update(wires)
        for key, b in loop.back.items():
            start, (target, wanted) = len(draft.edges), begins[b.target]
            back, _ = self.layer(b.through, f"{name}.back.{key}", gave[b.source], loop.shapes[b.source], wanted)
            draft.lead(back, target)
            draft.delayed += [edge for edge in draft.edges[start:] if edge[0] in gave[b.source]]
        return gave[loop.output], loop.shapes[loop.output]

    def delay(self, layer: Delay, name: str, title: str, wires: Wires, before: Shape, after: Shape):
        steps = layer._kept(layer.delay).detach() / self.draft.dt
        steps = steps.double().cpu()
        whole = steps.round()
        if not layer.whole and (steps - whole).abs().max() > 1e-4:
            raise UserError(
                f"{title}: NIR has no delay between two steps of {self.draft.dt:g} s", "set            whole: true"
            )
        if not whole.any():
            return wires, before
        seconds = np.broadcast_to(whole.numpy() * self.draft.dt, before).copy()
        return self.draft.add(name, typed(nir.Delay(seconds), before, before), wires, before), before

    def delayed_linear(self, layer: DelayedLinear, name: str, title: str, wires: Wires, before: Shape, after: Shape):
        """A delay and a linear layer for every number of steps."""
        steps = (layer._kept(layer.delay) / self.draft.dt).round().long()
        bias, found = layer.bias, []
        for late in steps.unique().tolist():
            weight = array(layer.weight * (steps == late))
            if not weight.any():
                continue
            at = f"{name}.late{late}"
            seconds = typed(nir.Delay(np.full(before, late * self.draft.dt)), before, before)
            behind = self.draft.add(f"{at}.delay", seconds, wires, before) if late else wires
            node = affine(weight, None if bias is None else array(bias))
            found += self.draft.add(at, typed(node, before, after), behind, after)
            bias = None  # once
        if not found:
            raise UserError(f"{title}: weight is 0 everywhere: nothing comes through", "train it, or leave it out")
        return found, after


CONTAINERS: dict[type, Callable[..., tuple[Wires, Shape]]] = {
    Network: _ToGraph.chain,
    NIRNetwork: _ToGraph.chain,
    Graph: add_graph,
    Chain: _ToGraph.chain,
    Repeat: _ToGraph.chain,
    Spectrum: _ToGraph.chain,
    nn.Sequential: _ToGraph.sequential,
    Residual: _ToGraph.residual,
    Recurrent: _ToGraph.recurrent,
    Loop: _ToGraph.loop,
    Delay: _ToGraph.delay,
    DelayedLinear: _ToGraph.delayed_linear,
    Circuit: add_circuit,
}
