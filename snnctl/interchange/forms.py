"""Which neuron is which NIR node: found in what each neuron states of itself."""

from __future__ import annotations

import inspect
from typing import Any

from snnctl import neurons
from snnctl.errors import UserError
from snnctl.neurons.neuron import Neuron
from snnctl.neurons.node import Node


def form_of(neuron: Any) -> Node:
    """The node of a neuron: the first of those it states for which it has every parameter.

    Raises:
        UserError: it states none.
    """
    for node in getattr(neuron, "nodes", ()):
        if all(getattr(neuron, name) is not None for name in node.names.values()):
            return node
    raise UserError(f"{type(neuron).__name__}: NIR has no node for it", f"choose from    {', '.join(writers())}")


def reader_of(kind: str, wanted: str | None = None) -> tuple[type[Neuron], Node]:
    """The neuron that a node is read as, and how: the one called `wanted` if it can, else the most general.

    Args:
        kind: NIR's name of the node.
        wanted: name of a neuron.

    Raises:
        UserError: no neuron reads such a node.
    """
    found = [(cls, node) for cls in _classes() for node in cls.nodes if _reads(cls, node)]
    able = [(cls, node) for cls, node in found if node.type == kind]
    if not able:
        known = sorted({node.type for _, node in found})
        raise UserError(f"NIR node {kind}: it is no neuron", f"choose from    {', '.join(known)}")
    return min(able, key=lambda each: (each[0].__name__ != wanted, len(each[1].fixed)))


def readable() -> set[str]:
    """NIR's names of the nodes that some neuron reads."""
    return {node.type for cls in _classes() for node in cls.nodes if _reads(cls, node)}


def options() -> dict[str, set[str]]:
    """Arguments of the neurons that read nodes -> names of those neurons."""
    found: dict[str, set[str]] = {}
    for cls in _classes():
        for name in inspect.signature(cls).parameters if any(_reads(cls, node) for node in cls.nodes) else ():
            found.setdefault(name, set()).add(cls.__name__)
    return found


def unsaid(neuron: Neuron) -> list[str]:
    """Options of a neuron whose values no NIR node can express."""
    return [option for option, values in neuron.said.items() if getattr(neuron, option) not in values]


def sayable() -> set[str]:
    """Every option that some neuron has and a NIR node may be unable to express."""
    return {option for cls in _classes() for option in cls.said}


def writers() -> list[str]:
    """Names of the neurons that have a NIR node."""
    return [cls.__name__ for cls in _classes() if cls.nodes]


def _classes() -> list[type[Neuron]]:
    found = [getattr(neurons, name) for name in neurons.__all__]
    return [cls for cls in found if isinstance(cls, type) and issubclass(cls, Neuron)]


def _reads(cls: type[Neuron], node: Node) -> bool:
    return set(node.names.values()) <= set(inspect.signature(cls).parameters)
