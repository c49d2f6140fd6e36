"""snnTorch's recurrent neurons: dense, convolutional and one-to-one."""

from __future__ import annotations

import math
from functools import partial

import torch
from torch import Tensor

from snnctl.networks import AllToAll, MapToMap, OneToOne
from tests.parity.drive import currents, stepped
from tests.parity.parity import Inputs, Parity, Traces
from tests.parity.preset import preset, recurrent

DT, ALPHA, BETA = 1e-3, 0.8, 0.9
TAUS = {"tau_syn": -DT / math.log(ALPHA), "tau_mem": -DT / math.log(BETA)}
SHAPES = {"dense": (5, 5), "conv": (2, 2, 3, 3), "one": (5,)}


def _inputs(kind: str, scale: float = 0.4):
    def inputs() -> Inputs:
        draw = torch.Generator().manual_seed(2)
        shape = (2, 2, 3, 4) if kind == "conv" else (2, 5)
        w = 0.4 * torch.randn(SHAPES[kind], generator=draw)
        return {**currents(scale, 0.15, shape=shape)(), "w": w, "bias": 0.1 * torch.randn(w.shape[0], generator=draw)}

    return inputs


def _arguments(kind: str, w: Tensor) -> dict:
    if kind == "dense":
        return {"linear_features": 5}
    if kind == "conv":
        return {"conv2d_channels": 2, "kernel_size": 3}
    return {"all_to_all": False, "V": w.clone()}


def _theirs(given: Inputs, kind: str, synaptic: bool, **options) -> Traces:
    import snntorch

    built = partial(snntorch.RSynaptic, alpha=ALPHA) if synaptic else snntorch.RLeaky
    neuron = built(beta=BETA, **_arguments(kind, given["w"]), **options)
    if kind != "one":
        neuron.recurrent.weight.data.copy_(given["w"])
        neuron.recurrent.bias.data.copy_(given["bias"])
    weight = neuron.V if kind == "one" else neuron.recurrent.weight

    def step(x, *state):
        spikes, *rest = neuron(x, *state)
        return (spikes, spikes, *rest)

    start = neuron.init_rsynaptic() if synaptic else neuron.init_rleaky()
    return stepped(given, step, start, ["", "i", "v"] if synaptic else ["", "v"], [("w", weight)])


def _mine(given: Inputs, kind: str, synaptic: bool, **options) -> Traces:
    name = "cuba_lif/snntorch" if synaptic else "lif/snntorch"
    neuron = preset(name, **(TAUS if synaptic else {"tau_mem": TAUS["tau_mem"]}), **options)
    feedback = {"dense": partial(AllToAll, bias=True), "conv": partial(MapToMap, bias=True), "one": OneToOne}[kind]
    fields = {"i": "i", "v": "v"} if synaptic else {"v": "v"}
    return recurrent(given, neuron, fields, feedback, None if kind == "one" else given["bias"])


def _case(kind: str, setting: str, theirs: dict, options: dict, synaptic: bool = False, scale: float = 0.4) -> Parity:
    api, name = ("RSynaptic", "cuba_lif/snntorch") if synaptic else ("RLeaky", "lif/snntorch")
    feedback = {"dense": "AllToAll", "conv": "MapToMap", "one": "OneToOne"}[kind]
    return Parity(
        f"snntorch.{api}", f"Recurrent with neuron={name}, {feedback}", setting, _inputs(kind, scale),
        lambda given: _theirs(given, kind, synaptic, **theirs), lambda given: _mine(given, kind, synaptic, **options),
    )  # fmt: skip


def _hidden(given: Inputs) -> Traces:
    import snntorch

    neuron = snntorch.RSynaptic(alpha=ALPHA, beta=BETA, linear_features=5, reset_delay=False, init_hidden=True)
    return {"spikes": neuron(given["x"][0])}


CASES = [
    _case("dense", "linear_features", {}, {}),
    _case("dense", "reset_mechanism=zero", {"reset_mechanism": "zero"}, {"reset": "zero", "reset_delay": "with_input"}),
    _case("dense", "reset_delay=False", {"reset_delay": False}, {"reset_delay": False, "detach_reset": False},
          scale=0.1),
    _case("conv", "conv2d_channels", {}, {}),
    _case("one", "all_to_all=False", {}, {}),
    _case("dense", "linear_features", {}, {}, synaptic=True, scale=0.2),
    _case("dense", "reset_mechanism=zero", {"reset_mechanism": "zero"}, {"reset": "zero"}, synaptic=True, scale=0.2),
    _case("conv", "conv2d_channels", {}, {}, synaptic=True, scale=0.2),
    _case("one", "all_to_all=False", {}, {}, synaptic=True, scale=0.2),
    Parity(
        "snntorch.RSynaptic", "Recurrent with neuron=cuba_lif/snntorch, AllToAll", "init_hidden_reset_delay=False",
        _inputs("dense"), _hidden, fails="TypeError",
    ),
]  # fmt: skip
