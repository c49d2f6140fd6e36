"""BindsNET's synapses made of features, and its convolutions and poolings of spikes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from snnctl.networks import SparseLinear, SpikeMaxPool2d, StochasticLinear
from tests.parity.frameworks import bindsnet
from tests.parity.parity import Inputs, Parity, Traces
from tests.parity.uniforms import drawing

IN, OUT, STEPS = 8, 5, 20
FEATURES = "bindsnet.network.topology.MulticompartmentConnection"


def _inputs() -> Inputs:
    draw = torch.Generator().manual_seed(2)
    x = (torch.rand(STEPS, 2, IN, generator=draw) < 0.4).float()
    sizes = {"w": (OUT, IN), "p": (OUT, IN), "b": (OUT, IN), "u": (STEPS, OUT, IN)}
    return {"x": x, **{name: torch.rand(size, generator=draw) for name, size in sizes.items()}}


def _pipeline(given: Inputs, kinds: str) -> Traces:
    """Features by the first letter of their class, in order."""
    nodes, topology, features = (bindsnet(f"network.{m}") for m in ("nodes", "topology", "topology_features"))
    values = {"Weight": given["w"], "Probability": given["p"], "Mask": given["p"] < 0.5, "Bias": given["b"],
              "Intensity": given["p"], "Degradation": given["b"]}  # fmt: skip
    options = {"Degradation": {"degrade_function": lambda value: value.exp()}}
    made = [
        getattr(features, kind)(kind, value=values[kind].T.contiguous(), **options.get(kind, {}))
        for kind in kinds.split("_")
    ]
    built = topology.MulticompartmentConnection(nodes.Input(n=IN), nodes.LIFNodes(n=OUT), "cpu", made)
    out = []
    for x_t, u_t in zip(given["x"], given["u"], strict=True):
        with drawing(u_t.T):
            out.append(built.compute(x_t))
    return {"y": torch.stack(out)}


def _linear(given: Inputs, weight: Tensor, bias: Tensor | None = None) -> Traces:
    layer = nn.Linear(IN, OUT, bias is not None)
    layer.weight.data.copy_(weight)
    if bias is not None:
        layer.bias.data.copy_(bias)
    return {"y": layer(given["x"])}


def _sparse(given: Inputs) -> Traces:
    layer = SparseLinear(IN, OUT, bias=False)
    layer.mask.copy_(given["p"] < 0.5)
    layer.weight.data.copy_(given["w"])
    return {"y": layer(given["x"])}


def _stochastic(given: Inputs) -> Traces:
    layer = StochasticLinear(IN, OUT, bias=False)
    layer.probability.copy_(given["p"])
    layer.weight.data.copy_(given["w"])
    out = []
    for x_t, u_t in zip(given["x"], given["u"], strict=True):
        with drawing(u_t):
            out.append(layer(x_t[None], dt=1e-3)[0][0])
    return {"y": torch.stack(out)}


def _feature_case(kinds: str, ours: str, mine: Callable[[Inputs], Traces]) -> Parity:
    return Parity(FEATURES, ours, kinds, _inputs, partial(_pipeline, kinds=kinds), mine)


SIDES = (7, 6, 5)


def _maps(dims: int) -> Inputs:
    draw = torch.Generator().manual_seed(dims)
    x = (torch.rand(2, 2, *SIDES[:dims], generator=draw) < 0.4).float()
    return {"x": x, "w": torch.randn(3, 2, *[2] * dims, generator=draw)}


def _conv(given: Inputs, dims: int, **options: int) -> Traces:
    nodes, topology = bindsnet("network.nodes"), bindsnet("network.topology")
    shape = _my_conv(given, dims, **options)["y"].shape[1:]
    source, target = nodes.Input(shape=tuple(given["x"].shape[1:])), nodes.LIFNodes(shape=tuple(shape))
    built = getattr(topology, f"Conv{dims}dConnection")(source, target, kernel_size=2, w=given["w"], **options)
    return {"y": built.compute(given["x"])}


def _my_conv(given: Inputs, dims: int, **options: int) -> Traces:
    layer = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}[dims](2, 3, 2, bias=False, **options)
    layer.weight.data.copy_(given["w"])
    return {"y": layer(given["x"])}


def _conv_case(dims: int, setting: str, **options: int) -> Parity:
    return Parity(
        f"bindsnet.network.topology.Conv{dims}dConnection", f"torch.nn.Conv{dims}d", setting, partial(_maps, dims),
        partial(_conv, dims=dims, **options), partial(_my_conv, dims=dims, **options),
    )  # fmt: skip


def _leaders() -> Inputs:
    """Spikes (T, 1, 2, 6, 6): after a first step that tells all neurons apart, one of each window at a step."""
    draw = torch.Generator().manual_seed(4)
    windows = torch.rand(STEPS, 2, 3, 3, 4, generator=draw)
    one = nn.functional.one_hot(windows.argmax(-1), 4).float() * (windows.amax(-1, keepdim=True) < 0.9)
    one[0] = 0.01 * windows[0]
    return {"x": one.view(STEPS, 2, 3, 3, 2, 2).permute(0, 1, 2, 4, 3, 5).reshape(STEPS, 1, 2, 6, 6)}


def _pool(given: Inputs, **options: Any) -> Traces:
    nodes, topology = bindsnet("network.nodes"), bindsnet("network.topology")
    source, target = nodes.Input(shape=(2, 6, 6)), nodes.LIFNodes(shape=(2, 3, 3))
    built = topology.MaxPool2dConnection(source, target, kernel_size=2, stride=2, decay=0.0, **options)
    built.firing_rates = torch.zeros(1, 2, 6, 6)
    return {"y": torch.stack([built.compute(x_t) for x_t in given["x"]])}


CASES = [
    _feature_case("Weight", "torch.nn.Linear", lambda given: _linear(given, given["w"])),
    _feature_case("Mask_Weight", "snnctl.networks.SparseLinear", _sparse),
    _feature_case("Probability_Weight", "snnctl.networks.StochasticLinear", _stochastic),
    _feature_case("Weight_Bias", "torch.nn.Linear",
                  lambda given: _linear(given, given["w"], given["b"].sum(1))),
    _feature_case("Weight_Intensity", "torch.nn.Linear", lambda given: _linear(given, given["w"] * given["p"])),
    _feature_case("Weight_Degradation", "torch.nn.Linear, bias",
                  lambda given: _linear(given, given["w"], -given["b"].exp().sum(1))),
    *(
        _conv_case(dims, setting, **options)
        for dims in (1, 2, 3)
        for setting, options in (("defaults", {}), ("stride=2", {"stride": 2}), ("padding=1", {"padding": 1}))
    ),
    Parity("bindsnet.network.topology.MaxPool2dConnection", "snnctl.networks.SpikeMaxPool2d", "kernel_size=2_stride=2",
           _leaders, _pool, lambda given: {"y": SpikeMaxPool2d(2)(given["x"], dt=1e-3)[0]}),
]  # fmt: skip
