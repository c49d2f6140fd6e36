"""SpikingJelly's count of synaptic operations, beside the one of our evaluation."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import nn

from snnctl.datasets.facts import Facts
from snnctl.metrics.neurobench import NeuroBench
from snnctl.networks import Network
from tests.parity.parity import Inputs, Parity, Traces
from tests.parity.preset import preset

STEPS, BATCH = 10, 3


def _inputs() -> Inputs:
    """Spikes (T, B, 2, 6, 6)."""
    draw = torch.Generator().manual_seed(0)
    return {"x": (torch.rand(STEPS, BATCH, 2, 6, 6, generator=draw) < 0.3).float()}


def _weighing(**options: Any) -> tuple[nn.Conv2d, nn.Linear]:
    torch.manual_seed(1)
    conv = nn.Conv2d(2, 4, 3, bias=False, **options)
    linear = nn.Linear(conv(torch.zeros(1, 2, 6, 6)).numel(), 5, bias=False)
    for layer in (conv, linear):  # positive weights, so that neurons fire
        layer.weight.data.abs_().mul_(2)
    return conv, linear


def _theirs(given: Inputs, **options: Any) -> Traces:
    from spikingjelly.activation_based import layer, neuron, op_counter

    conv, linear = _weighing(**options)
    net = nn.Sequential(layer.SeqToANNContainer(conv), neuron.LIFNode(step_mode="m"), nn.Flatten(2),
                        layer.SeqToANNContainer(linear))  # fmt: skip
    counter = op_counter.SynOpCounter()
    with torch.no_grad(), op_counter.DispatchCounterMode([counter]):
        net(given["x"])
    return {"spikes_operations": torch.tensor(float(counter.get_total()))}


def _mine(given: Inputs, **options: Any) -> Traces:
    conv, linear = _weighing(**options)
    lif = preset("lif/spikingjelly", tau_mem=2e-3, backend="eager")
    layers = {"conv": conv, "lif": lif, "flatten": nn.Flatten(), "linear": linear}
    net = Network(layers, Facts((2, 6, 6), (), 1e-3, STEPS)).eval()
    with NeuroBench(net) as bench, torch.no_grad():
        bench.run(given["x"], torch.full((BATCH,), STEPS))
    return {"spikes_operations": torch.tensor(bench.result().effective_acs * BATCH)}


def _case(setting: str, **options: Any) -> Parity:
    return Parity(
        "spikingjelly.activation_based.op_counter.SynOpCounter", "snnctl eval: effective ACs", setting, _inputs,
        partial(_theirs, **options), partial(_mine, **options),
    )  # fmt: skip


CASES = [_case("defaults"), _case("stride=2", stride=2), _case("groups=2", groups=2)]
