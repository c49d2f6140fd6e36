"""BindsNET's Izhikevich nodes: their built-in random synapses S are ours in a recurrent layer."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from tests.parity.drive import currents
from tests.parity.frameworks import bindsnet
from tests.parity.parity import Inputs, Parity, Traces
from tests.parity.preset import mine, preset, recurrent, without

FIELDS = {"v": "v", "u": "u"}
NAME = "izhikevich/bindsnet"


def _inputs() -> Inputs:
    """Currents, and the share r of each neuron between the two kinds of its population, and synapses."""
    draw = torch.Generator().manual_seed(4)
    given = currents(scale=8.0, offset=8.0)()
    return {**given, "r": torch.rand(5, generator=draw), "w": torch.rand(5, 5, generator=draw)}


def _parameters(r: Tensor, excitatory: bool) -> dict[str, Tensor]:
    if excitatory:
        return {"a": 0.02 + 0 * r, "b": 0.2 + 0 * r, "v_reset": -65 + 15 * r**2, "d": 8 - 6 * r**2}
    return {"a": 0.02 + 0.08 * r, "b": 0.25 - 0.05 * r, "v_reset": -65 + 0 * r, "d": 2 + 0 * r}


def _theirs(given: Inputs, excitatory: bool, synapses: float, **options: float) -> Traces:
    nodes = bindsnet("network.nodes").IzhikevichNodes(n=5, excitatory=float(excitatory), **options)
    for theirs, value in zip("abcd", _parameters(given["r"], excitatory).values(), strict=True):
        setattr(nodes, theirs, value)  # they draw r themselves
    nodes.S = given["w"] * synapses
    nodes.compute_decays(1.0)
    nodes.set_batch_size(2)
    traces: dict[str, list[Tensor]] = {"spikes": [], "v": [], "u": []}
    for x in given["x"]:
        nodes.forward(x.clone())
        traces["spikes"].append(nodes.s.float())
        # they reset at the beginning of the next step
        traces["v"].append(torch.where(nodes.s, nodes.c, nodes.v))
        traces["u"].append(torch.where(nodes.s, nodes.u + nodes.d, nodes.u))
    return {name: torch.stack(steps) for name, steps in traces.items()}


def _mine(given: Inputs, excitatory: bool, synapses: float, **options: float) -> Traces:
    own = {n: v.tolist() for n, v in _parameters(given["r"], excitatory).items()}
    options = {"v_start": -65.0, "per": "neuron", "shape": (5,), **own, **options}
    if not synapses:
        return without("grad_x", mine(NAME, FIELDS, **options)(given))
    traces = recurrent({**given, "w": given["w"] * synapses}, preset(NAME, **options), FIELDS)
    return without("grad_x grad_w", traces)


def _case(setting: str, excitatory: bool, synapses: float, theirs: dict, options: dict) -> Parity:
    return Parity(
        "bindsnet.network.nodes.IzhikevichNodes", f"neuron={NAME}" if not synapses else f"Recurrent with neuron={NAME}",
        setting, _inputs, partial(_theirs, excitatory=excitatory, synapses=synapses, **theirs),
        partial(_mine, excitatory=excitatory, synapses=synapses, **options),
    )  # fmt: skip


CASES = [
    _case("defaults", True, 0.5, {}, {}),
    _case("S=0", True, 0.0, {}, {}),
    _case("excitatory=0", False, -1.0, {}, {}),
    _case("thresh=30_lbound=-70", True, 0.0, {"thresh": 30.0, "lbound": -70.0}, {"threshold": 30.0, "v_min": -70.0}),
]
