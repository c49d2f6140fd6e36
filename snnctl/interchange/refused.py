"""Nodes that nir itself refuses to read unless it is told not to check shapes."""

from __future__ import annotations

import nir


def refused(graph: nir.NIRGraph) -> list[str]:
    """One line for each convolution whose shapes nir 1.0.8 counts wrongly: another framework then cannot read the file
    with `nir.read(path)`, only with `nir.read(path, type_check=False)`.
    """
    lines = []
    for name, node in graph.nodes.items():
        kind = type(node).__name__
        if kind in ("Conv1d", "Conv2d") and (node.groups != 1 or len(set(node.weight.shape[2:])) > 1):
            why = "its groups" if node.groups != 1 else f"its oblong kernel {node.weight.shape[2:]}"
            lines.append(f"{name} ({kind}): nir counts {why} wrongly; others read it with nir.read(type_check=False)")
    return lines
