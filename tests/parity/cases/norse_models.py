"""Norse's convolutional networks, made for images of 16 x 16. Their ReLU passes no gradient where there is no spike."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

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


def _case(api: str, setting: str, channels: int, gain: float) -> Parity:
    return Parity(
        f"norse.torch.{api}", "network: conv, neuron=cuba_lif/norse, li/norse", setting, _inputs(channels),
        lambda given: _theirs(given, api, gain), lambda given: _mine(given, api, gain),
    )  # fmt: skip


def _vgg_inputs() -> Inputs:
    draw = torch.Generator().manual_seed(5)
    return {"x": torch.rand(8, 2, 3, 8, 8, generator=draw), "g": torch.randn(8, 2, 6, 2, 2, generator=draw)}


def _vgg(given: Inputs, batch_norm: bool) -> Traces:
    from norse.torch.models import vgg

    net = vgg.make_layers([4, "M", 6, "M"], batch_norm).eval()  # in training Lift normalises every step by itself
    _fill(list(net.parameters()), 6.0)
    x = given["x"].clone().requires_grad_()
    out = x
    for layer in net:
        out = layer(out)
        out = out[0] if isinstance(out, tuple) else out
    return with_gradients(out, x, given, [("w", next(net.parameters()))])


def _my_vgg(given: Inputs, batch_norm: bool) -> Traces:
    layers = {}
    for n, (into, width) in enumerate(((3, 4), (4, 6))):
        layers[f"conv{n}"] = nn.Conv2d(into, width, 3, padding=1)
        layers |= {f"norm{n}": nn.BatchNorm2d(width)} if batch_norm else {}
        layers |= {f"lif{n}": preset("cuba_lif/norse", backend="eager"), f"pool{n}": nn.MaxPool2d(2)}
    net = Network(layers, Facts((3, 8, 8), (), 1e-3, 8)).eval()
    _fill(list(net.parameters()), 6.0)
    x = given["x"].clone().requires_grad_()
    return with_gradients(net(x)[0], x, given, [("w", net.layers["conv0"].weight)])


def _conv(given: Inputs, **options: int) -> Traces:
    import norse.torch as norse

    layer = norse.LConv2d(3, 4, 3, **options)
    layer.weight.data.copy_(_kernels()[..., None])
    x = given["x"].clone().requires_grad_()
    y = layer(x)
    traces = with_gradients(y, x, {"g": given["g"][:, :, :1]}, [("w", layer.weight)])
    return renamed({**traces, "grad_w": traces["grad_w"][..., 0]}, "y")


def _my_conv(given: Inputs, **options: int) -> Traces:
    layer = nn.Conv2d(3, 4, 3, bias=False, **options)
    layer.weight.data.copy_(_kernels())
    net = Network({"conv": layer}, Facts((3, 8, 8), (), 1e-3, 8))
    x = given["x"].clone().requires_grad_()
    return renamed(with_gradients(net(x)[0], x, {"g": given["g"][:, :, :1]}, [("w", layer.weight)]), "y")


def _kernels() -> Tensor:
    return torch.randn(4, 3, 3, 3, generator=torch.Generator().manual_seed(7))


def _conv_inputs() -> Inputs:
    return {**_vgg_inputs(), "g": torch.randn(8, 2, 1, 1, 1, generator=torch.Generator().manual_seed(8))}


CASES = [
    *(
        Parity("norse.torch.LConv2d", "torch.nn.Conv2d in a network", setting, _conv_inputs, partial(_conv, **options),
               partial(_my_conv, **options))
        for setting, options in (("defaults", {}), ("stride=2", {"stride": 2}), ("padding=1", {"padding": 1}))
    ),
    *(
        Parity("norse.torch.models.vgg.make_layers", "network: conv, neuron=cuba_lif/norse, pool", f"batch_norm={norm}",
               _vgg_inputs, partial(_vgg, batch_norm=norm), partial(_my_vgg, batch_norm=norm))
        for norm in (False, True)
    ),
    *(
        _case(api, setting, channels, gain)
        for api in SIZES
        for setting, channels, gain in (
            ("defaults_feature_size=16", 1, 3.0),
            ("num_channels=2_feature_size=16", 2, 3.0),
            ("feature_size=16_large_weights", 1, 6.0),
        )
    ),
]  # fmt: skip
