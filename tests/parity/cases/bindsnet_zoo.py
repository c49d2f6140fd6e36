"""BindsNET's networks of Diehl and Cook, without learning: one sample, the same weights and the same winners."""

from __future__ import annotations

from collections.abc import Sequence
from unittest import mock

import torch
from torch import Tensor

from tests.networks.presets import data, preset
from tests.parity.frameworks import bindsnet
from tests.parity.parity import Inputs, Parity, Traces

IN, NEURONS, STEPS = 24, 10, 60


def _inputs() -> Inputs:
    draw = torch.Generator().manual_seed(8)
    x = (torch.rand(STEPS, 1, IN, generator=draw) < 0.3).float()
    return {"x": x, "w": 2 * torch.rand(IN, NEURONS, generator=draw)}


def first(firing: Tensor, count: int) -> Tensor:
    """In place of their draw of one of the neurons that fire: the first of them."""
    return firing.argmax(1, keepdim=True)


def _theirs(given: Inputs, exc: float = 22.5, inh: float = 17.5, theta_plus: float = 0.05) -> Traces:
    nodes, topology = bindsnet("network.nodes"), bindsnet("network.topology")
    everyone, own = torch.ones(NEURONS, NEURONS), torch.eye(NEURONS)
    x = nodes.Input(n=IN)  # what follows: their DiehlAndCook2015, whose module imports the whole package
    ae = nodes.DiehlAndCookNodes(n=NEURONS, rest=-65.0, reset=-60.0, thresh=-52.0, refrac=5, tc_decay=100.0,
                                 theta_plus=theta_plus, tc_theta_decay=1e7)  # fmt: skip
    ai = nodes.LIFNodes(n=NEURONS, rest=-60.0, reset=-45.0, thresh=-40.0, tc_decay=10.0, refrac=2)
    for layer in (x, ae, ai):
        layer.set_batch_size(1)
        layer.compute_decays(1.0)
    synapses = [
        (x, ae, topology.Connection(x, ae, w=given["w"])),
        (ae, ai, topology.Connection(ae, ai, w=exc * own)),
        (ai, ae, topology.Connection(ai, ae, w=-inh * (everyone - own))),
    ]
    spikes, inhibitory = [], []
    with mock.patch("torch.multinomial", first):
        for x_t in given["x"]:  # as their Network.run: every layer sees what the others gave one step before
            currents = {id(layer): torch.zeros(1, NEURONS) for layer in (ae, ai)}
            for source, target, synapse in synapses:
                currents[id(target)] = currents[id(target)] + synapse.compute(source.s)
            for layer in (x, ae, ai):
                layer.forward(x_t if layer is x else currents[id(layer)])
            spikes.append(ae.s.clone().float())
            inhibitory.append(ai.s.clone().float())
    return {"spikes": torch.stack(spikes), "spikes_inhibitory": torch.stack(inhibitory)}


def _mine(given: Inputs, overrides: Sequence[str]) -> Traces:
    net = preset(data((IN,), NEURONS), "network=zoo/diehl_cook", f"network.neurons={NEURONS}", "backend=eager",
                 *overrides)  # fmt: skip
    net.layers["linear"].weight.data.copy_(given["w"].T)
    seen = []
    net.temporal_layers()["loop.inh"].register_forward_hook(lambda m, args, out: seen.append(out[0]))
    late = torch.cat([torch.zeros_like(given["x"][:1]), given["x"][:-1]])
    with mock.patch("torch.rand_like", lambda like: torch.ones_like(like)), torch.no_grad():
        out, _ = net(late)
    return {"spikes": out, "spikes_inhibitory": seen[0]}  # a vote of one neuron a class is its spikes


def _case(setting: str, theirs: dict, mine: Sequence[str]) -> Parity:
    return Parity(
        "bindsnet.models.models.DiehlAndCook2015", "network=zoo/diehl_cook", setting, _inputs,
        lambda given: _theirs(given, **theirs), lambda given: _mine(given, mine),
    )  # fmt: skip


CASES = [
    _case("defaults", {}, []),
    _case("inh=120_theta_plus=0.5", {"inh": 120.0, "theta_plus": 0.5},
          ["network.inh=120", "network.excitatory.beta=0.5"]),
    _case("exc=10_inh=40", {"exc": 10.0, "inh": 40.0}, ["network.exc=10", "network.inh=40"]),
]  # fmt: skip
