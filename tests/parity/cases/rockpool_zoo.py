"""Rockpool's networks, with the same weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from tests.networks.presets import data, preset
from tests.parity.drive import with_gradients
from tests.parity.frameworks import guard
from tests.parity.parity import Inputs, Parity, Traces

IN, CLASSES, STEPS = 5, 3, 40
# their networks fire with a PeriodicExponential, as often as v holds the threshold
PERIODIC = (
    "surrogate@neuron.surrogate=rockpool/periodic_exponential",
    "neuron.surrogate_at=nearest",
    "neuron.surrogate_in=threshold",
    "backend=eager",
)


def _inputs() -> Inputs:
    draw = torch.Generator().manual_seed(5)
    x = (torch.rand(STEPS, 2, IN, generator=draw) < 0.3).float()
    return {"x": x, "g": torch.randn(STEPS, 2, CLASSES, generator=draw)}


def _fill(weights: Sequence[Tensor], transposed: bool, scale: float = 1.0) -> None:
    """The same numbers for both: (in, out) of theirs, (out, in) of a linear layer of torch."""
    draw = torch.Generator().manual_seed(1)
    for weight in weights:
        shape = weight.shape if transposed else weight.shape[::-1]
        w = scale * (0.2 + torch.randn(shape, generator=draw)) / shape[0] ** 0.5
        weight.data.copy_(w if transposed else w.T)


def _traces(given: Inputs, run: Any, weights: Sequence[Tensor]) -> Traces:
    x = given["x"].clone().requires_grad_()
    count = torch.tensor(float(sum(w.numel() for w in weights)))
    grads = [("first", weights[0]), ("last", weights[-1])]
    traces = with_gradients(run(x), x, given, grads)
    return {**traces, "parameters": count}


def _weights(net: Any) -> list[Tensor]:
    return [p for p in net.parameters() if p.dim() == 2]


def _mine(given: Inputs, scale: float, *overrides: str) -> Traces:
    net = preset(data((IN,), CLASSES), *overrides, *PERIODIC)
    weights = [m.weight for m in net.modules() if isinstance(m, nn.Linear)]
    assert sum(w.numel() for w in weights) == sum(p.numel() for p in net.parameters())
    _fill(weights, False, scale)
    traces = _traces(given, lambda x: net(x)[0], weights)
    return {**traces, **{f"grad_{name}": traces[f"grad_{name}"].T for name in ("first", "last")}}


def _synnet(given: Inputs, scale: float, **options: Any) -> Traces:
    guard()
    from rockpool.nn.networks import SynNet

    net = SynNet(CLASSES, IN, max_spikes_per_dt_out=31, **options)
    weights = [layer.weight for layer in net.seq.modules().values() if hasattr(layer, "weight")]
    _fill(weights, True, scale)
    return _traces(given, lambda x: net(x.transpose(0, 1))[0].transpose(0, 1), weights)


def _wavesense(given: Inputs, scale: float, **options: Any) -> Traces:
    guard()
    from rockpool.nn.modules.torch.lif_torch import PeriodicExponential
    from rockpool.nn.networks import WaveSenseNet

    net = WaveSenseNet(n_classes=CLASSES, n_channels_in=IN, **options)
    waves = net.wave_blocks
    for wave in waves:  # the one layer that their network leaves with another surrogate
        wave.spk2_skip.spike_generation_fn = PeriodicExponential.apply
    weights = [net.lin1.weight]
    for wave in waves:  # the last block's own output is computed and used by none: ours has no such weights
        weights += [wave.lin1.weight, *([] if wave is waves[-1] else [wave.lin2_res.weight]), wave.lin2_skip.weight]
    weights += [net.hidden.weight, net.readout.weight]
    _fill(weights, True, scale)
    return _traces(given, lambda x: net(x.transpose(0, 1))[0].transpose(0, 1), weights)


def _case(name: str, setting: str, scale: float, theirs: dict, mine: Sequence[str]) -> Parity:
    """`scale` of the weights: long time constants sum much, and with 31 spikes a step surrogates part ways."""
    if name == "SynNet":  # its quantize_time_constants is a decay by bit shifts
        preset, run = "synnet", _synnet
        options = ("neuron=cuba_lif/rockpool", "neuron.tau_mem=2e-3", "neuron.decay=bitshift", "neuron.max_spikes=31")
    else:
        preset, run = "wavesense", _wavesense
        options = ("neuron=lif/rockpool", "neuron.tau_mem=20e-3", "network.synapse=add_then_decay")
    return Parity(
        f"rockpool.nn.networks.{name}", f"network=zoo/{preset}", setting, _inputs,
        lambda given: run(given, scale, **theirs),
        lambda given: _mine(given, scale, f"network=zoo/{preset}", *options, *mine),
    )  # fmt: skip


CASES = [
    _case("SynNet", "defaults", 0.5, {}, []),
    _case("SynNet", "two_layers", 1.0, {"size_hidden_layers": [14, 9], "time_constants_per_layer": [4, 2]},
          ["network.hidden=[14,9]", "network.constants=[4,2]"]),
    _case("SynNet", "quantize_time_constants=False_tau_syn_base=3e-3", 0.4,
          {"quantize_time_constants": False, "tau_syn_base": 3e-3, "time_constants_per_layer": [3]},
          ["neuron.decay=exact", "network.shortest=3e-3", "network.ratio=3", "network.constants=[3]"]),
    _case("WaveSenseNet", "dilations=2_4", 0.1, {"dilations": [2, 4]}, ["network.dilations=[2,4]"]),
    _case("WaveSenseNet", "dilations=1_kernel_size=3", 0.1, {"dilations": [1], "kernel_size": 3},
          ["network.dilations=[1]", "network.kernel_size=3"]),
    _case("WaveSenseNet", "n_hidden=8_base_tau_syn=5e-3", 0.3, {"dilations": [2], "n_hidden": 8, "base_tau_syn": 5e-3},
          ["network.dilations=[2]", "network.hidden=8", "network.tau_syn=5e-3"]),
]  # fmt: skip
