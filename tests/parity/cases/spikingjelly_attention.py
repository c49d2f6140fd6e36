"""SpikingJelly's self-attention of spikes."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import nn

from snnctl.datasets.facts import Facts
from snnctl.networks import SelfAttention
from snnctl.networks.place import Place
from snnctl.neurons import LIF
from snnctl.surrogates import Sigmoid
from tests.parity.cases.spikingjelly_structure import renamed
from tests.parity.drive import with_gradients
from tests.parity.parity import Inputs, Parity, Traces

DT, STEPS, DIM = 1e-3, 8, 8
NEURON = partial(LIF, tau_mem=2e-3, decay="euler", input_gain="dt/tau", reset="value", detach_reset=True,
                 surrogate=Sigmoid(4.0), backend="eager")  # fmt: skip
APIS = {
    "SpikingSelfAttention": "ssa",
    "SpikeDrivenSelfAttention": "sdsa",
    "TokenQKAttention": "qk_token",
    "ChannelQKAttention": "qk_channel",
}


def _inputs(parts: int, *space: int):
    """() -> x, g, and for the convolution of q, k and v, and for the last: weight, gain and shift of its norm."""

    def inputs() -> Inputs:
        draw = torch.Generator().manual_seed(len(space))
        shape = (STEPS, 2, DIM, *space)
        x = (torch.rand(shape, generator=draw) < 0.4).float()
        given = {"x": 4 * x if len(space) == 2 else x, "g": torch.randn(shape, generator=draw)}
        for name, out in (("qkv", parts * DIM), ("mix", DIM)):
            given[f"{name}_weight"] = 0.5 * torch.randn(out, DIM, generator=draw)
            given[f"{name}_gain"] = 2 * torch.rand(out, generator=draw) + 0.5
            given[f"{name}_shift"] = torch.rand(out, generator=draw) + 1
        return given

    return inputs


def _fill(given: Inputs, conv: nn.Module, norm: nn.Module, name: str, part: int = 0, of: int = 1) -> None:
    for parameter, key in ((conv.weight, "weight"), (norm.weight, "gain"), (norm.bias, "shift")):
        value = given[f"{name}_{key}"].chunk(of)[part]
        parameter.data.copy_(value.view(parameter.shape))
    if conv.bias is not None:
        conv.bias.data.fill_(0.1)


def _theirs(given: Inputs, api: str, **options: Any) -> Traces:
    from spikingjelly.activation_based import layer

    built = getattr(layer, api)(DIM, **options)
    if api == "SpikeDrivenSelfAttention":
        for part, name in enumerate("qkv"):
            _fill(given, getattr(built, f"{name}_conv"), getattr(built, f"{name}_bn"), "qkv", part, 3)
        mix, norm = built.proj_conv, built.proj_bn
    else:
        _fill(given, *(built.qkv_conv_bn if api == "SpikingSelfAttention" else built.qk_conv_bn), "qkv")
        mix, norm = built.proj_conv_bn
    _fill(given, mix, norm, "mix")
    x = given["x"].clone().requires_grad_()
    return _named(api, with_gradients(built(x), x, given, [("mix", mix.weight)]))


def _mine(given: Inputs, api: str, **options: Any) -> Traces:
    shape = tuple(given["x"].shape[2:])
    built = SelfAttention(NEURON, Place("attention", shape, Facts(shape, (), DT, STEPS)), kind=APIS[api], **options)
    _fill(given, built.layers["qkv"], built.layers["qkv_norm"], "qkv")
    _fill(given, built.layers["mix"], built.layers["mix_norm"], "mix")
    x = given["x"].clone().requires_grad_()
    out, _ = built(x, dt=DT)
    out = out + x if api == "SpikeDrivenSelfAttention" else out  # theirs has the short cut in it
    return _named(api, with_gradients(out, x, given, [("mix", built.layers["mix"].weight)]))


def _named(api: str, traces: Traces) -> Traces:
    traces = {**traces, "grad_mix": traces["grad_mix"].flatten(1)}
    return renamed(traces, "y") if api == "SpikeDrivenSelfAttention" else traces


def _case(api: str, heads: int) -> Parity:
    kind = APIS[api]
    space = (4, 4) if kind == "sdsa" else (16,)
    setting, theirs, mine = ("defaults", {}, {}) if heads == 8 else (f"num_heads={heads}", {"num_heads": heads},
                                                                    {"heads": heads})  # fmt: skip
    return Parity(
        f"spikingjelly.activation_based.layer.{api}", f"SelfAttention with kind={kind}", setting,
        _inputs(3 if kind in ("ssa", "sdsa") else 2, *space), lambda given: _theirs(given, api, **theirs),
        lambda given: _mine(given, api, **mine),
    )  # fmt: skip


CASES = [_case(api, heads) for api in APIS for heads in (8, 4, 1)]
