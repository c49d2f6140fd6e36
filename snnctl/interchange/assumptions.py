"""The conventions that a NIR file leaves open, in words, and how they were filled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from snnctl.interchange.note import read

LEAKY = ("LIF", "CubaLIF", "LI", "CubaLI")
SPIKING = ("LIF", "CubaLIF", "IF")
# option, nodes that leave it open, what is taken
OPEN = (
    ("decay", LEAKY, "decay: exact, exp(-dt / tau) a step"),
    ("drive", LEAKY, "drive: exact, an input of 1 adds r (1 - decay) a step"),
    ("drive", ("IF", "I"), "drive: step, an input of 1 adds r a step"),
    ("synapse", ("CubaLIF", "CubaLI"), "synapse: decay_then_add, an input drives the membrane in its own step"),
    ("fire", (*SPIKING, "Threshold"), "fire: gt, a spike where v > v_threshold"),
    ("reset", SPIKING, "reset: value, to v_reset"),
)


def assumptions(nodes: Mapping[str, Any], given: Iterable[str]) -> list[str]:
    """One line for each convention that neurons of other frameworks leave open and no option gives.

    Args:
        nodes: name -> node that is read as a neuron.
        given: names of the options that were given.
    """
    foreign = {name: type(node).__name__ for name, node in nodes.items() if read(node).neuron is None}
    lines = []
    for option, kinds, line in OPEN:
        found = sorted({kind for kind in foreign.values() if kind in kinds})
        if found and option not in set(given):
            lines.append(f"{line} ({', '.join(found)})")
    return lines
