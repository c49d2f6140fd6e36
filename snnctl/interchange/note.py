"""What snnctl writes beside a node's equation, in its metadata: the conventions of the steps, which NIR leaves open."""

from __future__ import annotations

import copy
import inspect
import json
from typing import Any, NamedTuple

import nir
import numpy as np
from numpy import ndarray

from snnctl.errors import UserError
from snnctl.interchange.forms import reader_of
from snnctl.neurons.neuron import Neuron
from snnctl.neurons.node import DriveBy, Node
from snnctl.neurons.quantity import one_of

KEY = "snnctl"  # one string: a flat entry, which every version of nir reads
PLAIN = (bool, int, float, str, tuple, type(None))


class Note(NamedTuple):
    """Of one node; empty where another framework wrote it."""

    neuron: str | None = None  # which neuron reads it back
    dt: float | None = None  # s, at which it was written
    conventions: dict[str, Any] = {}  # arguments of that neuron
    drive: DriveBy | None = None  # how its r and w_in are meant
    numbers: dict[str, float] = {}  # its parameters in full, which the arrays hold in single precision


def written(neuron: Neuron, form: Node, dt: float, drive: DriveBy) -> dict[str, str]:
    """The metadata of a neuron's node, for the neuron that will read it."""
    cls, form = reader_of(form.type, type(neuron).__name__)
    parameters = set(form.names.values())
    others = set(inspect.signature(cls).parameters) - parameters - {"shape", "backend", "learnable"}
    held = {name: getattr(neuron, name) for name in sorted(others) if hasattr(neuron, name)}
    conventions = {name: value for name, value in held.items() if isinstance(value, PLAIN)}
    conventions["learnable"] = [name for name in neuron.learnable if name in parameters]
    given = {name: getattr(neuron, name, None) for name in sorted(parameters)}
    numbers = {name: value for name, value in given.items() if isinstance(value, float)}
    return {KEY: json.dumps(Note(cls.__name__, dt, conventions, drive, numbers)._asdict())}


def read(node: Any) -> Note:
    """The note of a node.

    Raises:
        UserError: its metadata has an entry of snnctl's name that snnctl did not write.
    """
    text = (getattr(node, "metadata", None) or {}).get(KEY)
    if text is None:
        return Note()
    try:
        note = Note(**json.loads(text))
        numbers = {name: float(value) for name, value in note.numbers.items()}
        drive = one_of(KEY, "drive", note.drive, DriveBy)
        return Note(str(note.neuron), float(note.dt), dict(note.conventions), drive, numbers)
    except (TypeError, ValueError, AttributeError, UserError):
        problem = f"NIR node {type(node).__name__}: its metadata {KEY} is damaged: {str(text)[:60]!r}"
        raise UserError(problem, "read it as another framework's: delete that entry of node.metadata") from None


class GraphNote(NamedTuple):
    """Of a whole graph; empty where another framework wrote it."""

    dt: float | None = None  # s, at which it was written
    delayed: tuple[tuple[str, str], ...] = ()  # edges that close a cycle: what they carry comes one step later


def of_graph(note: GraphNote) -> dict[str, str]:
    """The metadata of a graph."""
    return {KEY: json.dumps(note._asdict())}


def read_graph(graph: Any) -> GraphNote:
    """The note of a graph; of another framework's, its metadata dt, if it has one.

    Raises:
        UserError: its metadata has an entry of snnctl's name that snnctl did not write, or a dt that is no number.
    """
    metadata = getattr(graph, "metadata", None) or {}
    text = metadata.get(KEY, metadata.get("dt"))
    if text is None:
        return GraphNote()
    try:
        if KEY not in metadata:
            return GraphNote(float(np.asarray(text).item()))
        note = GraphNote(**json.loads(text))
        return GraphNote(float(note.dt), tuple((str(a), str(b)) for a, b in note.delayed))
    except (TypeError, ValueError, AttributeError):
        name = KEY if KEY in metadata else "dt"
        problem = f"NIR graph: its metadata {name} is damaged: {str(text)[:60]!r}"
        raise UserError(
            problem, f"delete that entry of the graph's metadata, and give dt (s): {name} is not read then"
        ) from None


def in_full(note: Note, name: str, array: ndarray) -> float | None:
    """A parameter's number as it was before it was rounded to the node's array; None where the two disagree."""
    number = note.numbers.get(name)
    return number if number is not None and (array == np.float32(number)).all() else None


def without_notes(graph: nir.NIRGraph) -> nir.NIRGraph:
    """The graph as one reads it who knows NIR and not snnctl: copies of its nodes, without our entries of metadata."""
    nodes = {name: copy.copy(node) for name, node in graph.nodes.items()}
    for node in nodes.values():
        node.metadata = {k: v for k, v in (node.metadata or {}).items() if k != KEY}
    kept = {k: v for k, v in (graph.metadata or {}).items() if k != KEY}
    return nir.NIRGraph(nodes=nodes, edges=list(graph.edges), metadata=kept, type_check=False)
