"""Norse's convolutional networks, made for images of 16 x 16. Their ReLU passes no gradient where there is no spike."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from snnctl.datasets.facts import Facts
from snnctl.networks import Network, Scale
from tests.parity.cases.spikingjelly_structure import renamed
from tests.parity.drive import with_gradients
from tests.parity.parity import Inputs, Parity, Traces
from tests.parity.preset import preset

SIZES = {"ConvNet": ((20, 50, 500), (1.0, 1.0)), "ConvNet4": ((32, 64, 1024), (0.7, 0.7))}
STEPS = 15


def _inputs(channels: int) -> Callable[[], Inputs]:
    def inputs() -> Inputs:
        draw = torch.Generator().manual_seed(channels)
        x = torch.rand(STEPS, 2, channels, 16, 16, generator=draw)
        return {"x": x, "g": torch.randn(STEPS, 2, 10, generator=draw)}

    return inputs


def _fill(parameters: list[Tensor], gain: float) -> None:
    """The same in both, large enough for neurons to fire: conv1, conv2, fc1 with biases, then the readout's."""
    draw = torch.Generator().manual_seed(3)
    for p in parameters:
        w = torch.randn(p.shape, generator=draw)
        p.data.copy_(gain * w * (3 / p[0].numel()) ** 0.5 if p.dim() > 1 else 0.5 * w)


def _theirs(given: Inputs, api: str, gain: float) -> Traces:
    import norse.torch as norse

    net = getattr(norse, api)(given["x"].shape[2], 16)
    first = [p for layer in (net.conv1, net.conv2, net.fc1) for p in (layer.weight, layer.bias)]
    _fill([*first, net.out.input_weights], gain)
    x = given["x"].clone().requires_grad_()
    return renamed(with_gradients(net(x), x, given, [("w", net.fc1.weight)]), "y")


def _mine(given: Inputs, api: str, gain: float) -> Traces:
    (one, two, hidden), thresholds = SIZES[api]
    channels = given["x"].shape[2]
    lif = [preset("cuba_lif/norse", threshold=v, backend="eager") for v in (*thresholds, 1.0)]
    layers = {
        "conv1": nn.Conv2d(channels, one, 5), "lif0": lif[0], "pool1": nn.MaxPool2d(2),
        "conv2": nn.Conv2d(one, two, 5), "scale": Scale(10.0), "lif1": lif[1], "pool2": nn.MaxPool2d(2),
        "flatten": nn.Flatten(), "fc1": nn.Linear(two, hidden), "lif2": lif[2], "relu": nn.ReLU(),
        "out": nn.Linear(hidden, 10, bias=False), "li": preset("li/norse", backend="eager"),
    }  # fmt: skip
    net = Network(layers, Facts((channels, 16, 16), tuple(map(str, range(10))), 1e-3, STEPS))
    _fill(list(net.parameters()), gain)
    x = given["x"].clone().requires_grad_()
    return renamed(with_gradients(net(x)[0], x, given, [("w", net.layers["fc1"].weight)]), "y")


def _case(api: str, setting: str, channels: int = 1, gain: float = 3.0) -> Parity:
    return Parity(
        f"norse.torch.{api}", "network: conv, neuron=cuba_lif/norse, li/norse", setting, _inputs(channels),
        lambda given: _theirs(given, api, gain), lambda given: _mine(given, api, gain),
    )  # fmt: skip


CASES = [
    case
    for api in SIZES
    for case in (
        _case(api, "defaults_feature_size=16"),
        _case(api, "num_channels=2_feature_size=16", 2),
        _case(api, "feature_size=16_large_weights", 1, 6.0),
    )
]
