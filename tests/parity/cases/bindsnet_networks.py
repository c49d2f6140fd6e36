"""BindsNET's networks of two layers, without learning: one sample, the same weights and the same winners."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from unittest import mock

import torch
from torch import Tensor, nn

from snnctl.datasets.facts import Facts
from snnctl.networks import Back, Local2d, Loop, WinnerTakeAll
from snnctl.networks.place import Place
from tests.parity.cases.bindsnet_zoo import first
from tests.parity.frameworks import bindsnet
from tests.parity.parity import Inputs, Parity, Traces
from tests.parity.preset import preset

STEPS, NEURONS = 60, 9
FILTERS, PLACES = 3, 4  # of the local network: kernels of 2 x 2 on maps of 4 x 4
EXCITED = {"rest": -65.0, "reset": -60.0, "thresh": -52.0, "refrac": 5, "tc_decay": 100.0, "tc_theta_decay": 1e7}


def _spikes(count: int, chance: float = 0.3) -> Callable[[], Inputs]:
    def inputs() -> Inputs:
        draw = torch.Generator().manual_seed(count)
        x = (torch.rand(STEPS, 1, count, generator=draw) < chance).float()
        return {"x": x, "w": 3 * torch.rand(count, NEURONS, generator=draw)}

    return inputs


def _late(x: Tensor) -> Tensor:
    """Their connections see the spikes of the step before."""
    return torch.cat([torch.zeros_like(x[:1]), x[:-1]])


def _run(given: Inputs, target: object, forward: Callable, back: Tensor | None = None) -> Traces:
    """As their Network.run: every layer sees what the others gave one step before."""
    nodes = bindsnet("network.nodes")
    source = nodes.Input(n=given["x"].shape[2])
    for layer in (source, target):
        layer.set_batch_size(1)
        layer.compute_decays(1.0)
    topology, out = bindsnet("network.topology"), []
    connections = [(source, forward(topology, source, target))]
    if back is not None:
        connections.append((target, topology.Connection(target, target, w=back)))
    with mock.patch("torch.multinomial", first):
        for x_t in given["x"]:
            current = sum(connection.compute(layer.s) for layer, connection in connections)
            source.forward(x_t)
            target.forward(current)
            out.append(target.s.clone().float())
    return {"spikes": torch.stack(out)}


def _dense(given: Inputs, topology, source, target):
    return topology.Connection(source, target, w=given["w"])


def _two_layers(given: Inputs, **options: float) -> Traces:
    layer = {"rest": -65.0, "reset": -65.0, "thresh": -52.0, "refrac": 5, "tc_decay": 100.0} | options
    target = bindsnet("network.nodes").LIFNodes(n=NEURONS, **layer)
    return _run(given, target, partial(_dense, given))


def _my_two_layers(given: Inputs, **options: float) -> Traces:
    linear = nn.Linear(given["w"].shape[0], NEURONS, bias=False)
    linear.weight.data.copy_(given["w"].T)
    return {"spikes": preset("lif/bindsnet", **options)(linear(_late(given["x"])), dt=1e-3)[0]}


def _by_distance(start: float, most: float) -> Tensor:
    """Their inhibition (from, to), which grows with the root of the distance of neurons on a square, and adds."""
    side = int(NEURONS**0.5)
    at = torch.tensor([[k // side, k % side] for k in range(NEURONS)]).float()
    apart = (at[:, None] - at).norm(dim=2).sqrt()
    return apart / apart.max() * most + start


def _among_maps(strength: float) -> Tensor:
    """Minus `strength` between the filters of one place."""
    return -strength * (torch.eye(PLACES).repeat(FILTERS, FILTERS) - torch.eye(FILTERS * PLACES))


def _competing(given: Inputs, forward: Callable, back: Tensor, theta_plus: float = 0.05) -> Traces:
    target = bindsnet("network.nodes").DiehlAndCookNodes(n=len(back), theta_plus=theta_plus, **EXCITED)
    return _run(given, target, partial(forward, given), back)


def _my_competing(given: Inputs, layer: nn.Module, back: Tensor, theta_plus: float = 0.05) -> Traces:
    neuron = preset("alif/bindsnet", v_reset=-60.0, beta=theta_plus, backend="eager")

    def through(in_features: int) -> nn.Module:
        linear = nn.Linear(in_features, len(back), bias=False)
        linear.weight.data.copy_(back.T)
        return linear

    place = Place("loop", (len(back),), Facts((len(back),), (), 1e-3, None))
    winner = WinnerTakeAll(neuron, (len(back),), "random")
    loop = Loop({"y": winner}, place, {"back": Back("y", "y", through)})
    with mock.patch("torch.rand_like", lambda like: torch.ones_like(like)), torch.no_grad():
        currents = torch.stack([layer(x_t).flatten(1) for x_t in _late(given["x"])])
        return {"spikes": loop(currents, dt=1e-3)[0]}


def _linear(given: Inputs) -> nn.Module:
    layer = nn.Linear(given["w"].shape[0], NEURONS, bias=False)
    layer.weight.data.copy_(given["w"].T)
    return layer


def _kernels() -> Tensor:
    return 8 * torch.rand(PLACES, 4, FILTERS, generator=torch.Generator().manual_seed(3))


def _local(given: Inputs, topology, source, target):
    built = topology.LocalConnection(source, target, 2, 2, FILTERS, input_shape=(4, 4))
    for f in range(FILTERS):
        for place in range(PLACES):
            built.w.data[built.locations[:, place], f * PLACES + place] = _kernels()[place, :, f]
    return built


def _my_local() -> nn.Module:
    layer = Local2d((1, 4, 4), FILTERS, 2, 2, bias=False)
    layer.weight.data.copy_(_kernels())
    return nn.Sequential(nn.Unflatten(1, (1, 4, 4)), layer)


def _increasing(setting: str, start: float = 1.0, most: float = 100.0, theta_plus: float = 0.05) -> Parity:
    back = _by_distance(start, most)
    return Parity(
        "bindsnet.models.models.IncreasingInhibitionNetwork", "Loop of WinnerTakeAll with neuron=alif/bindsnet",
        setting, _spikes(24), partial(_competing, forward=_dense, back=back, theta_plus=theta_plus),
        lambda given: _my_competing(given, _linear(given), back, theta_plus),
    )  # fmt: skip


def _locally(setting: str, strength: float = 25.0, theta_plus: float = 0.05) -> Parity:
    back = _among_maps(strength)
    return Parity(
        "bindsnet.models.models.LocallyConnectedNetwork", "Local2d, Loop of WinnerTakeAll with neuron=alif/bindsnet",
        setting, _spikes(16, 0.5), partial(_competing, forward=_local, back=back, theta_plus=theta_plus),
        lambda given: _my_competing(given, _my_local(), back, theta_plus),
    )  # fmt: skip


def _two(setting: str, theirs: dict, mine: dict) -> Parity:
    return Parity(
        "bindsnet.models.models.TwoLayerNetwork", "torch.nn.Linear, neuron=lif/bindsnet", setting, _spikes(24),
        partial(_two_layers, **theirs), partial(_my_two_layers, **mine),
    )  # fmt: skip


CASES = [
    _two("defaults", {}, {}),
    _two("thresh=-58_refrac=2", {"thresh": -58.0, "refrac": 2}, {"threshold": -58.0, "refractory": 2e-3}),
    _two("tc_decay=20", {"tc_decay": 20.0}, {"tau_mem": 20e-3}),
    _increasing("defaults"),
    _increasing("start_inhib=-20_max_inhib=10", -20.0, 10.0),
    _increasing("theta_plus=0.5", theta_plus=0.5),
    _locally("defaults"),
    _locally("inh=5", 5.0),
    _locally("theta_plus=0.5", theta_plus=0.5),
]  # fmt: skip
