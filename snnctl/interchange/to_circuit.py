"""A NIR graph as a circuit: populations of neurons, and what lies between them."""

from __future__ import annotations

import math
from typing import Any

import nir
import numpy as np
import torch

from snnctl.circuits import INPUT, OUTPUT, Circuit, Projection
from snnctl.circuits.order import groups
from snnctl.errors import UserError
from snnctl.interchange import note as notes
from snnctl.interchange.assumptions import assumptions, in_steps
from snnctl.interchange.closing import closing
from snnctl.interchange.draft import check_weights
from snnctl.interchange.flat import Flat, flat
from snnctl.interchange.forms import readable, reader_of
from snnctl.interchange.from_layer import Shape
from snnctl.interchange.from_node import Reading, neuron_of
from snnctl.interchange.leading import one_step
from snnctl.interchange.terms import Layers, Term, through
from snnctl.interchange.to_layer import Built, layers_of, unfit
from snnctl.neurons.graded import GradedSpikes
from snnctl.neurons.neuron import Neuron


def circuit_of(graph: nir.NIRGraph, dt: float | None = None, **options: Any) -> Circuit:
    """The circuit that computes a NIR graph in steps of dt.

    Each node with a state (and Threshold) is a population, read by `neuron_of`; each path of other nodes from one to
    the next is a projection. Where a node without a state has several inputs, each path through it is a projection, and
    the first has its bias. Delays are whole steps. An edge that closes a cycle carries what was given one step before:
    those that snnctl noted, else, found from the input on, those that lead back. Subgraphs are taken apart, and their
    nodes called SUBGRAPH.NODE.

    A file of another framework leaves conventions open; `Circuit.assumed` says in words how they were filled. Where an
    IF or I is not snnctl's, its r is 1, and `drive` is not given, it is "step": snnTorch, Norse and Sinabs mean v + x.

    Args:
        graph: ours or any other; it is left as it is.
        dt: step width, s; None for that of the file.
        options: of `neuron_of`, for all neurons: drive, decay, synapse, fire, reset, surrogate, learnable, ...

    Raises:
        UserError: names the node that is not supported, not connected, of a wrong shape, with weights that are NaN or
            all 0; a cycle without a neuron; no dt; a delay that is no whole number of steps; an option that is wrong.
    """
    parts = flat(graph)
    found = _dt(graph, parts)
    dt = found if dt is None else float(dt)
    if dt is None:
        raise UserError(
            "dt is missing: the NIR file does not say it", "give           its step, s, for example   nir.dt=1e-3"
        )
    reading = _Reading(parts, dt, options)
    if found is not None and not math.isclose(found, dt, rel_tol=1e-6):
        reading.assumed.append(f"dt: {dt:g} s, and the file was written at {found:g} s")
    reading.shape_all()
    return reading.circuit()


class _Reading:
    """A flat graph on its way to a circuit."""

    def __init__(self, parts: Flat, dt: float, options: dict[str, Any]):
        self.parts, self.dt, self.options = parts, dt, options
        self.kinds = readable() - {"Scale"}  # which is a layer here
        self.before: dict[str, Shape] = {}  # node -> shape that it gets
        self.after: dict[str, Shape] = {}
        self.read: dict[str, Reading] = {}
        self.built: dict[str, Built] = {}
        self.assumed: list[str] = []
        self.into: dict[str, list[str]] = {name: [] for name in parts.nodes}
        self.out_of: dict[str, list[str]] = {name: [] for name in parts.nodes}
        for source, target in parts.edges:
            self.into[target].append(source)
            self.out_of[source].append(target)

    def shape_all(self) -> None:
        """Build every node at the shape that reaches it, from the input on."""
        start = self.parts.nodes[self.parts.start]
        given = tuple(int(n) for n in start.input_type["input"])
        shape = one_step(given, (self.parts.nodes[name] for name in self.out_of[self.parts.start]))
        if shape != given:
            self.assumed.append(f"input: of {given} the last axes, {shape}, are one step; the others are batch or time")
        waiting = [(self.parts.start, shape, "")]
        while waiting:
            name, shape, source = waiting.pop(0)
            if name in self.before:
                if self.before[name] != shape:
                    kind = type(self.parts.nodes[name]).__name__
                    problem = (
                        f"NIR node {name} ({kind}): {source} gives it {shape}, and another node {self.before[name]}"
                    )
                    raise UserError(problem, "the shapes on the edges to a node must be equal")
                continue
            self.before[name] = shape
            self.after[name] = self._build(name, shape)
            waiting += [(target, self.after[name], name) for target in self.out_of[name]]

    def _build(self, name: str, shape: Shape) -> Shape:
        node = self.parts.nodes[name]
        kind = type(node).__name__
        if kind == "Delay":
            return shape
        if kind in self.kinds:
            self.read[name] = self._neuron(name, node, shape)
            return shape
        if name == self.parts.end and node.output_type.get("output") is not None:
            wanted = tuple(int(n) for n in node.output_type["output"])
            if wanted[-len(shape) :] != shape:
                raise unfit(f"NIR node {name} ({kind})", shape, wanted)
        self.built[name] = built = layers_of(node, name, shape)
        if built.assumed:
            self.assumed.append(built.assumed)
        return built.shape

    def _neuron(self, name: str, node: Any, shape: Shape) -> Reading:
        options = dict(self.options)
        if in_steps(node):
            options.setdefault("drive", "step")
        if "learnable" in options:  # of each neuron those that it has
            has = reader_of(type(node).__name__, notes.read(node).neuron)[1].names.values()
            options["learnable"] = tuple(name for name in options["learnable"] if name in has)
        try:
            return neuron_of(node, self.dt, shape=shape, **options)
        except UserError as error:
            problem = error.problem.removeprefix(f"NIR node {type(node).__name__}: ")
            raise UserError(f"NIR node {name} ({type(node).__name__}): {problem}", error.hint) from None

    def circuit(self) -> Circuit:
        """Put the nodes with a state and the sums that arrive at them together."""
        parts = self.parts
        found = {parts.start: [Term(parts.start)]} | {name: [Term(name)] for name in self.read}
        relays: dict[str, list[Term]] = {}  # node without a state that something delayed is read from -> what arrives
        for name in self._stateless():
            arriving = self._arriving(name, found, relays)
            if type(parts.nodes[name]).__name__ == "Delay":
                if any(term.constant for term in arriving):  # before the delay is over there is nothing, no bias either
                    at = f"{name}.before"
                    relays[at], arriving, self.after[at] = arriving, [Term(at)], self.before[name]
                found[name] = self._late(name, arriving)
            else:
                found[name] = through(name, self.built[name], arriving)
        into = {name: self._arriving(name, found, relays) for name in self.read}
        into |= {name: found[name] if terms is None else terms for name, terms in relays.items()}
        into[parts.end] = found[parts.end]
        return self._joined(into, list(relays))

    def _stateless(self) -> list[str]:
        """The nodes without a state, each behind those that lead to it."""
        names = [name for name in self.parts.nodes if name not in self.read and name != self.parts.start]
        edges = [edge for edge in self.parts.edges if edge not in self.parts.delayed]
        order = groups(names, edges)
        selves = {source for source, target in edges if source == target}
        for group in order:
            if len(group) > 1 or group[0] in selves:
                raise UserError(
                    f"NIR graph: a cycle without a neuron: {' to '.join((*group, group[0]))}",
                    "a cycle needs a node with a state, which gives what it gave one step before",
                )
        return [name for (name,) in order]

    def _arriving(self, name: str, found: dict[str, list[Term]], relays: dict[str, Any]) -> list[Term]:
        """The terms on all edges to a node."""
        terms: list[Term] = []
        for source in self.into[name]:
            if (source, name) not in self.parts.delayed:
                terms += found[source]
            elif source in self.read or source == self.parts.start:
                terms += [term.later(1) for term in found[source]]
            else:
                relays.setdefault(source, None)  # its sum may not be known yet
                terms.append(Term(source, 1))
        return terms

    def _late(self, name: str, terms: list[Term]) -> list[Term]:
        """The terms behind a Delay node: where delays differ, one for each of them."""
        node = self.parts.nodes[name]
        check_weights(f"NIR node {name} (Delay)", node)
        seconds = np.asarray(node.delay, dtype=np.float64)
        shape = self.before[name]
        if seconds.size > 1 and seconds.shape != shape:
            raise unfit(f"NIR node {name} (Delay)", shape, seconds.shape)
        steps = np.round(seconds / self.dt)
        off = np.abs(seconds / self.dt - steps) > 1e-6 * np.maximum(1, steps)
        if (seconds < 0).any() or off.any():
            wrong = seconds[(seconds < 0) | off].flat[0]
            problem = f"NIR node {name} (Delay): {wrong:g} s is no whole number of steps of {self.dt:g} s"
            raise UserError(problem, f"nearest        {max(0, round(wrong / self.dt)) * self.dt:g} s, or another dt")
        different = np.unique(steps).astype(int).tolist()
        if len(different) == 1:
            return [term.later(different[0]) for term in terms]
        masks = {late: torch.tensor(steps == late, dtype=torch.get_default_dtype()) for late in different}
        return [term.later(late, name, mask) for late, mask in masks.items() for term in terms]

    def _joined(self, into: dict[str, list[Term]], relays: list[str]) -> Circuit:
        parts, layers = self.parts, Layers(self.built)
        called = {name: name if name not in (INPUT, OUTPUT) else f"{name}_" for name in (*self.read, *relays)}
        called |= {parts.start: INPUT, parts.end: OUTPUT}
        neurons: dict[str, Neuron] = {called[name]: reading.neuron for name, reading in self.read.items()}
        neurons |= {called[name]: GradedSpikes(shape=self.after[name]) for name in relays}
        direct = [(term.source, target) for target, terms in into.items() for term in terms if not term.delay]
        first: dict[str, int] = {}  # as the edges have them: a file has its nodes by name
        for i, edge in enumerate(parts.edges):
            first |= {end: i for end in edge if end not in first}
        back = closing(parts.start, sorted(direct, key=lambda edge: [first.get(end, 0) for end in edge]))
        self.assumed += [f"cycle: what {source} gives comes to {target} one step later" for source, target in back]
        projections = []
        for target, terms in into.items():
            scale = self.read[target].scale if target in self.read else None
            for term in terms:
                late = term.delay + (not term.delay and (term.source, target) in back)
                between = layers.of(term, target, scale)
                projections.append(Projection(called[term.source], called[target], between, late))
        shapes = {called[name]: self.after[name] for name in called}
        assumed = [*assumptions({name: parts.nodes[name] for name in self.read}, self.options), *self.assumed]
        return Circuit(neurons, projections, shapes, self.dt, assumed)


def _dt(graph: nir.NIRGraph, parts: Flat) -> float | None:
    """The step width of the file; None where it says none."""
    found = [notes.read_graph(graph).dt, *(notes.read(node).dt for node in parts.nodes.values())]
    return next((dt for dt in found if dt is not None), None)
