"""SpikingJelly's VGG, made small, with the same weights."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from tests.parity.cases.spikingjelly_structure import models
from tests.parity.cases.spikingjelly_zoo import CLASSES, case, fill, traces
from tests.parity.parity import Inputs, Parity, Traces

HIDDEN = 16


def _vgg(given: Inputs, channels: Sequence[int], depths: Sequence[int]) -> Traces:
    with models():
        from spikingjelly.activation_based import functional, layer, neuron
        from spikingjelly.activation_based.model import spiking_vgg

    layers = [k for width, depth in zip(channels, depths, strict=True) for k in [*[width] * depth, "M"]]
    options = {"spiking_neuron": neuron.LIFNode, "tau": 2.0, "detach_reset": True}
    net = spiking_vgg.SpikingVGG(layers, True, num_classes=CLASSES, init_weights=False, **options)
    net.avgpool, net.classifier[0] = layer.AdaptiveAvgPool2d(1), layer.Linear(channels[-1], HIDDEN)
    net.classifier[3], net.classifier[6] = layer.Linear(HIDDEN, HIDDEN), layer.Linear(HIDDEN, CLASSES)
    net.classifier[2] = net.classifier[5] = nn.Identity()  # their draws of dropout are others
    functional.set_step_mode(net, "m")
    fill(net.parameters())
    return traces(given, net, net.features[0].weight, net.classifier[6].weight)


def _case(name: str, setting: str, channels: list[int], depths: list[int]) -> Parity:
    sizes = [f"network.channels={channels}", f"network.depths={depths}", f"network.hidden=[{HIDDEN},{HIDDEN}]",
             "network.grid=1", "network.dropout=0"]  # fmt: skip
    return case("spiking_vgg.SpikingVGG", name, setting, lambda given: _vgg(given, channels, depths),
                [size.replace(" ", "") for size in sizes])  # fmt: skip


CASES = [
    _case("vgg11", "one_layer_a_stage", [6, 8], [1, 1]),
    _case("vgg11", "as_A_in_three_stages", [4, 6, 8], [1, 1, 2]),
    _case("vgg16", "as_D_in_two_stages", [4, 6], [2, 2]),
]
