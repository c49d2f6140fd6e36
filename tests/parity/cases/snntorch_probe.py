"""snnTorch's probes: input, output, attribute and gradients of a layer, beside one recording of ours."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import torch
from torch import nn

from snnctl.datasets.facts import Facts
from snnctl.networks import Network
from snnctl.neurons import LIF
from snnctl.report.recording import record
from snnctl.surrogates import ATan
from tests.parity.parity import Inputs, Parity, Traces

DT, BETA, STEPS = 1e-3, 0.9, 40
FIELDS = {"InputMonitor": "input", "OutputMonitor": "spikes", "AttributeMonitor": "v",
          "GradInputMonitor": "grad_input", "GradOutputMonitor": "grad_output"}  # fmt: skip


def _inputs() -> Inputs:
    """x (T, B, 5); weights of two layers, 4 and 3 neurons; g (T, B, 3), what the loss weighs the output with."""
    draw = torch.Generator().manual_seed(0)
    x = torch.rand(STEPS, 2, 5, generator=draw)
    w1, w2 = torch.randn(4, 5, generator=draw) * 0.4 + 0.1, torch.randn(3, 4, generator=draw) * 0.5 + 0.3
    return {"x": x, "w1": w1, "w2": w2, "g": torch.randn(STEPS, 2, 3, generator=draw)}


def _theirs(given: Inputs, kind: str) -> Traces:
    import snntorch
    from snntorch.functional import probe

    layers = [("fc1", nn.Linear(5, 4, bias=False)), ("lif1", snntorch.Leaky(beta=BETA, init_hidden=True)),
              ("fc2", nn.Linear(4, 3, bias=False)), ("lif2", snntorch.Leaky(beta=BETA, init_hidden=True))]  # fmt: skip
    net = nn.Sequential()
    for name, layer in layers:
        net.add_module(name, layer)
    net.fc1.weight.data, net.fc2.weight.data = given["w1"].clone(), given["w2"].clone()
    wanted = ("mem", False, net) if kind == "AttributeMonitor" else (net,)
    monitor = getattr(probe, kind)(*wanted, instance=snntorch.Leaky)
    x = given["x"].clone().requires_grad_()
    out = torch.stack([net(x_t) for x_t in x])
    (out * given["g"]).sum().backward()
    traces = {}
    for name in ("lif1", "lif2"):
        kept = [r[0] if isinstance(r, tuple) else r for r in monitor[name]]
        kept = kept[::-1] if kind.startswith("Grad") else kept  # gradients come from the last step to the first
        traces[f"{FIELDS[kind]}_{name}"] = torch.stack(kept)
    return traces


def _mine(given: Inputs, kind: str) -> Traces:
    lif = partial(LIF, tau_mem=-DT / math.log(BETA), fire="gt", surrogate=ATan(2.0), reset_delay=True,
                  detach_reset=True, backend="eager")  # fmt: skip
    linear = partial(nn.Linear, bias=False)
    layers = {"fc1": partial(linear, out_features=4), "lif1": lif, "fc2": partial(linear, out_features=3), "lif2": lif}
    net = Network(layers, Facts((5,), ("a", "b", "c"), DT, STEPS)).eval()
    net.layers["fc1"].weight.data, net.layers["fc2"].weight.data = given["w1"].clone(), given["w2"].clone()
    field = FIELDS[kind]
    kept: dict[str, np.ndarray] = record(net, given["x"], [field], lambda out: (out * given["g"]).sum())
    return {f"{field}_{name}": torch.from_numpy(kept[f"{name}/{field}"]) for name in ("lif1", "lif2")}


CASES = [
    Parity(f"snntorch.functional.probe.{kind}", f"record=[{field}]", "defaults", _inputs,
           partial(_theirs, kind=kind), partial(_mine, kind=kind))
    for kind, field in FIELDS.items()
]  # fmt: skip
