"""A graph in another unit of time: what it did in a step of one width, it does in a step of another."""

from __future__ import annotations

import copy
from typing import Any

import nir
import numpy as np

from snnctl.interchange.assumptions import SUMMED, in_steps

TIMES = ("tau", "tau_mem", "tau_syn", "delay")


def stretched(graph: nir.NIRGraph, factor: float) -> nir.NIRGraph:
    """The graph with all of its times multiplied by a factor; copies of its nodes.

    Frameworks without a unit of time write one step as 0.1 ms or 1 ms, whatever their data were: a network that was
    trained on bins of 30 ms, and written at dt = 1 ms, is itself again with a factor of 30.
    """

    def longer(node: Any) -> Any:
        node = copy.copy(node)
        if isinstance(node, nir.NIRGraph):
            node.nodes = {name: longer(inner) for name, inner in node.nodes.items()}
            return node
        for name in TIMES:
            if hasattr(node, name):
                setattr(node, name, np.asarray(getattr(node, name)) * factor)
        if type(node).__name__ in SUMMED and not in_steps(node):  # r of an input without a leak is per second
            node.r = np.asarray(node.r) / factor
        return node

    return longer(graph)
