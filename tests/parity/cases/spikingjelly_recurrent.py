"""SpikingJelly's containers that give a node its own output back."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch

from snnctl.networks import AllToAll, OneToOne
from tests.parity.drive import currents, with_gradients
from tests.parity.parity import Inputs, Parity, Traces
from tests.parity.preset import preset, recurrent, without


def _inputs() -> Inputs:
    draw = torch.Generator().manual_seed(6)
    return {
        **currents(1.0, 0.3)(),
        "w": 0.5 * torch.randn(5, 5, generator=draw),
        "bias": 0.1 * torch.randn(5, generator=draw),
    }


def _run(given: Inputs, built: Any, learned: list) -> Traces:
    x = given["x"].clone().requires_grad_()
    return with_gradients(torch.stack([built(x_t) for x_t in x]), x, given, learned)


def _linear(given: Inputs, **options: Any) -> Traces:
    from spikingjelly.activation_based import layer, neuron

    built = layer.LinearRecurrentContainer(neuron.LIFNode(**options), 5, 5)
    built.rc.weight.data.copy_(torch.cat([torch.eye(5), given["w"]], 1))
    built.rc.bias.data.copy_(given["bias"])
    traces = _run(given, built, [("w", built.rc.weight)])
    return {**traces, "grad_w": traces["grad_w"][:, 5:]}


def _elementwise(given: Inputs, **options: Any) -> Traces:
    from spikingjelly.activation_based import layer, neuron

    return _run(given, layer.ElementWiseRecurrentContainer(neuron.LIFNode(**options), torch.add), [])


def _ours(given: Inputs, feedback: Any, **options: Any) -> Traces:
    neuron = preset("lif/spikingjelly", tau_mem=2e-3, **options)
    if feedback is OneToOne:
        return without("grad_w", recurrent({**given, "w": torch.ones(5)}, neuron, {}, OneToOne))
    return recurrent(given, neuron, {}, partial(AllToAll, bias=True), given["bias"])


def _case(api: str, theirs, feedback, setting: str, options: dict, ours: dict) -> Parity:
    return Parity(
        f"spikingjelly.activation_based.layer.{api}", f"Recurrent with neuron=lif/spikingjelly, {feedback.__name__}",
        setting, _inputs, lambda given: theirs(given, **options), lambda given: _ours(given, feedback, **ours),
    )  # fmt: skip


SETTINGS = [
    ("LIFNode", {}, {}),
    ("LIFNode_v_reset=None", {"v_reset": None}, {"reset": "subtract"}),
    (
        "LIFNode_decay_input=False_detach_reset",
        {"decay_input": False, "detach_reset": True},
        {"input_gain": 1.0, "detach_reset": True},
    ),
]
CASES = [
    _case(*api, *setting)
    for api in (
        ("LinearRecurrentContainer", _linear, AllToAll),
        ("ElementWiseRecurrentContainer", _elementwise, OneToOne),
    )
    for setting in SETTINGS
]
