"""A NIR graph without subgraphs: one level of nodes, checked for what no reader can run."""

from __future__ import annotations

from typing import Any, NamedTuple

import nir

from snnctl.errors import UserError, did_you_mean
from snnctl.interchange.draft import reached
from snnctl.interchange.note import read_graph

THROUGH = ("Input", "Output", "Identity")  # inside a subgraph they hand on what they get


class Flat(NamedTuple):
    """A flattened graph."""

    nodes: dict[str, Any]  # name -> node; those of a subgraph are SUBGRAPH.NAME
    edges: list[tuple[str, str]]
    delayed: frozenset[tuple[str, str]]  # of the edges, those that close a cycle, as snnctl noted them
    start: str  # the Input
    end: str  # the Output


def flat(graph: nir.NIRGraph) -> Flat:
    """The nodes and edges of a graph and its subgraphs on one level.

    Raises:
        UserError: an edge names no node, or is there twice; a node is not between input and output; there is no Input
            or Output, or more than one of them.
    """
    nodes: dict[str, Any] = {}
    edges: list[tuple[str, str]] = []
    delayed: set[tuple[str, str]] = set()
    _level(graph, "", nodes, edges, delayed)
    ends = [_only(graph, kind) for kind in ("Input", "Output")]
    _check_paths(nodes, edges, *ends)
    return Flat(nodes, edges, frozenset(delayed), *ends)


def _level(graph: nir.NIRGraph, prefix: str, nodes: dict, edges: list, delayed: set) -> None:
    noted, seen = set(read_graph(graph).delayed), set()
    for name, node in graph.nodes.items():
        if isinstance(node, nir.NIRGraph):
            _level(node, f"{prefix}{name}.", nodes, edges, delayed)
        elif f"{prefix}{name}" in nodes:
            raise UserError(f"NIR graph: two nodes are called {prefix + name}", "rename one")
        else:
            nodes[prefix + name] = node
    for edge in graph.edges:
        for end in edge:
            if end not in graph.nodes:
                pair = f"{prefix}{edge[0]} to {prefix}{edge[1]}"
                raise UserError(f"NIR graph: the edge {pair} names no node {end!r}", did_you_mean(end, graph.nodes))
        if tuple(edge) in seen:
            raise UserError(f"NIR graph: the edge {prefix}{edge[0]} to {prefix}{edge[1]} is there twice", "delete one")
        seen.add(tuple(edge))
        source, target = (
            prefix + _inside(graph.nodes, end, kind) for end, kind in zip(edge, ("Output", "Input"), strict=True)
        )
        edges.append((source, target))
        if tuple(edge) in noted:
            delayed.add((source, target))


def _inside(nodes: dict[str, Any], name: str, kind: str) -> str:
    """The node that an edge ends at: of a subgraph its Input, or its Output."""
    node = nodes[name]
    return f"{name}.{_inside(node.nodes, _only(node, kind, name), kind)}" if isinstance(node, nir.NIRGraph) else name


def _only(graph: nir.NIRGraph, kind: str, name: str = "") -> str:
    found = [n for n, node in graph.nodes.items() if type(node).__name__ == kind]
    if len(found) != 1:
        where = f"NIR subgraph {name}" if name else "NIR graph"
        some = f"{len(found)} {kind} nodes: {', '.join(found)}" if found else f"no {kind} node"
        raise UserError(
            f"{where}: {some}", f"wanted         one {kind} node, with an edge {'from' if kind == 'Input' else 'to'} it"
        )
    return found[0]


def _check_paths(nodes: dict[str, Any], edges: list[tuple[str, str]], start: str, end: str) -> None:
    """Every node must be between the input and the output."""
    after: dict[str, list[str]] = {name: [] for name in nodes}
    before: dict[str, list[str]] = {name: [] for name in nodes}
    for source, target in edges:
        after[source].append(target)
        before[target].append(source)
    for name in nodes:
        if name not in (start, end) and not after[name] and not before[name]:
            raise UserError(
                f"NIR graph: node {name} ({_kind(nodes[name])}) is not connected", "delete it, or add its edges"
            )
    for found, what in (
        (reached(after, start), "nothing leads to it from the input"),
        (reached(before, end), "nothing leads from it to the output"),
    ):
        lost = next((name for name in nodes if name not in found), None)
        if lost is not None:
            raise UserError(
                f"NIR graph: node {lost} ({_kind(nodes[lost])}): {what}", "delete it, or add the missing edge"
            )


def _kind(node: Any) -> str:
    return type(node).__name__
