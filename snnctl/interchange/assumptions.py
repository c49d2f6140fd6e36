"""The conventions that a NIR file leaves open, in words, and how they were filled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from snnctl.interchange.note import read

LEAKY = ("LIF", "CubaLIF", "LI", "CubaLI")
SPIKING = ("LIF", "CubaLIF", "IF")
SUMMED = ("IF", "I")
IN_STEPS = tuple(f"{kind} with r = 1" for kind in SUMMED)
# option, nodes that leave it open, what is taken
OPEN = (
    ("decay", LEAKY, "decay: exact, exp(-dt / tau) a step"),
    ("drive", (*LEAKY, *SUMMED), "drive: exact, an input of 1 adds r (1 - decay) a step, r dt without a leak"),
    ("drive", IN_STEPS, "drive: step, an input of 1 adds r = 1 a step"),
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
    foreign = [node for node in nodes.values() if read(node).neuron is None]
    lines = []
    for option, kinds, line in OPEN:
        called = (type(node).__name__ + " with r = 1" * (option == "drive" and in_steps(node)) for node in foreign)
        found = sorted({name for name in called if name in kinds})
        if found and option not in set(given):
            lines.append(f"{line} ({', '.join(found)})")
    return lines


def in_steps(node: Any) -> bool:
    """Whether a node's r means what a step adds: an IF or I of another framework with r = 1, whatever its dt."""
    return type(node).__name__ in SUMMED and read(node).neuron is None and bool(np.all(np.asarray(node.r) == 1))
