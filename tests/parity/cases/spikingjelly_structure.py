"""SpikingJelly's delay and residual blocks."""

from __future__ import annotations

import importlib.util
import sys
from contextlib import contextmanager
from functools import partial
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from snnctl.datasets.facts import Facts
from snnctl.networks import Chain, Delay, Residual
from snnctl.networks.place import Place
from tests.parity.drive import currents, with_gradients
from tests.parity.parity import Inputs, Parity, Traces
from tests.parity.preset import preset

DT = 1e-3
IN, STEPS = 3, 12
FACTS = Facts((IN, 4, 4), (), DT, STEPS)


@contextmanager
def models():
    """Their zoo imports torchvision for one function that downloads weights."""
    if importlib.util.find_spec("torchvision") is not None:
        yield
        return
    found = {name: ModuleType(name) for name in ("torchvision", "torchvision.models", "torchvision.models.utils")}
    found["torchvision.models.utils"].load_state_dict_from_url = None
    sys.modules.update(found)
    try:
        yield
    finally:
        for name in found:
            del sys.modules[name]


def _delay(given: Inputs, **options: Any) -> Traces:
    from spikingjelly.activation_based import layer

    x = given["x"].clone().requires_grad_()
    return with_gradients(layer.Delay(step_mode="m", **options)(x), x, given, [])


def _my_delay(given: Inputs, steps: int) -> Traces:
    x = given["x"].clone().requires_grad_()
    return with_gradients(Delay(steps * DT)(x, dt=DT)[0], x, given, [])


def _spikes(planes: int, side: int):
    def inputs() -> Inputs:
        draw = torch.Generator().manual_seed(planes)
        x = (torch.rand(STEPS, 2, IN, 4, 4, generator=draw) < 0.4).float()
        return {"x": x, "g": torch.randn(STEPS, 2, planes, side, side, generator=draw)}

    return inputs


def fill(module: nn.Module, seed: int = 0) -> None:
    """The same weights in two modules whose parameters come in the same order: large, so that neurons fire."""
    draw = torch.Generator().manual_seed(seed)
    for parameter in module.parameters():
        if parameter.dim() > 1:
            std = (2 / parameter[0].numel()) ** 0.5
            parameter.data.copy_(std * torch.randn(parameter.shape, generator=draw))
        else:
            parameter.data.copy_(0.5 + torch.rand(parameter.shape, generator=draw))


def _block(given: Inputs, model: str, planes: int, stride: int, **options: Any) -> Traces:
    with models():
        from spikingjelly.activation_based import functional, layer, neuron
        from spikingjelly.activation_based.model import ms_resnet, sew_resnet, spiking_resnet

    around = None
    if stride != 1 or planes != IN:
        around = nn.Sequential(layer.Conv2d(IN, planes, 1, stride, bias=False), layer.BatchNorm2d(planes))
    if model == "sew":
        block = sew_resnet.BasicBlock(IN, planes, stride, around, spiking_neuron=neuron.LIFNode, **options)
    elif model == "spiking":
        block = spiking_resnet.BasicBlock(IN, planes, stride, around, spiking_neuron=neuron.LIFNode, tau=2.0)
    else:
        block = ms_resnet._MSBlock(IN, planes, stride, around, neuron.LIFNode, {"tau": 2.0})
    functional.set_step_mode(block, "m")
    fill(block)
    x = given["x"].clone().requires_grad_()
    traces = with_gradients(block(x), x, given, [("conv1", block.conv1.weight), ("conv2", block.conv2.weight)])
    return renamed(traces, "y") if model == "ms" else traces


def _my_block(given: Inputs, model: str, planes: int, stride: int, join: str = "add") -> Traces:
    neuron = preset("lif/spikingjelly", tau_mem=2e-3, backend="eager")
    conv = partial(nn.Conv2d, out_channels=planes, kernel_size=3, padding=1, bias=False)
    body = {"conv1": partial(conv, stride=stride), "norm1": nn.BatchNorm2d, "neuron1": neuron, "conv2": conv,
            "norm2": nn.BatchNorm2d, "neuron2": neuron}  # fmt: skip
    way = {"conv": partial(nn.Conv2d, out_channels=planes, kernel_size=1, stride=stride, bias=False),
           "norm": nn.BatchNorm2d, "neuron": neuron}  # fmt: skip
    if model == "ms":  # neurons first
        body = {name: body[name] for name in ("neuron1", "conv1", "norm1", "neuron2", "conv2", "norm2")}
        del way["neuron"]
    if model == "spiking":  # currents are added, then neurons fire
        del body["neuron2"], way["neuron"]
    shortcut = partial(Chain, way) if stride != 1 or planes != IN else None
    block = Residual(body, Place("block", (IN, 4, 4), FACTS), shortcut, join)
    fill(block)
    after = preset("lif/spikingjelly", tau_mem=2e-3, backend="eager")
    x = given["x"].clone().requires_grad_()
    convs = [(name, block.layers[name].weight) for name in ("conv1", "conv2")]
    out, _ = block(x, dt=DT)
    if model == "spiking":
        out, _ = after(out, dt=DT)
    traces = with_gradients(out, x, given, convs)
    return renamed(traces, "y") if model == "ms" else traces


def renamed(traces: Traces, name: str) -> dict[str, Tensor]:
    """What leaves a block of currents is no spikes."""
    return {name if key == "spikes" else key: value for key, value in traces.items()}


def _delay_case(steps: int) -> Parity:
    return Parity(
        "spikingjelly.activation_based.layer.Delay", "snnctl.networks.Delay", f"delay_steps={steps}",
        currents(steps=12), lambda given: _delay(given, delay_steps=steps), lambda given: _my_delay(given, steps),
    )  # fmt: skip


def _sew_case(join: str, planes: int = IN, stride: int = 1) -> Parity:
    size = f"_planes={planes}_stride={stride}" if stride > 1 else ""
    return Parity(
        "spikingjelly.activation_based.model.sew_resnet.BasicBlock", "snnctl.networks.Residual", f"cnf={join}{size}",
        _spikes(planes, 4 // stride), lambda given: _block(given, "sew", planes, stride, cnf=join),
        lambda given: _my_block(given, "sew", planes, stride, join.lower()),
    )  # fmt: skip


def _ms_case(planes: int = IN, stride: int = 1) -> Parity:
    return Parity(
        "spikingjelly.activation_based.model.ms_resnet.MSResNet", "snnctl.networks.Residual",
        f"its_block_planes={planes}_stride={stride}", _spikes(planes, 4 // stride),
        lambda given: _block(given, "ms", planes, stride), lambda given: _my_block(given, "ms", planes, stride),
    )  # fmt: skip


def _spiking_case(planes: int = IN, stride: int = 1) -> Parity:
    return Parity(
        "spikingjelly.activation_based.model.spiking_resnet.BasicBlock",
        "snnctl.networks.Residual, neuron=lif/spikingjelly", f"planes={planes}_stride={stride}",
        _spikes(planes, 4 // stride), lambda given: _block(given, "spiking", planes, stride),
        lambda given: _my_block(given, "spiking", planes, stride),
    )  # fmt: skip


CASES = [
    _spiking_case(),
    _spiking_case(5),
    _spiking_case(5, 2),
    *(_delay_case(steps) for steps in (0, 1, 5)),
    *(_sew_case(join) for join in ("ADD", "AND", "IAND")),
    *(_sew_case(join, 5, 2) for join in ("ADD", "IAND")),
    _ms_case(),
    _ms_case(5),
    _ms_case(5, 2),
]
