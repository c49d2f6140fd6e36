"""SpikingJelly's simple estimate of energy, beside the one of our evaluation; of its operations, without its memory.

Theirs counts every position of a dense input as a MAC, ours those where the input is not 0: here none is. Its neurons
are left out of its count, as they are of ours. Of a convolution of spikes it counts its own bookkeeping too: one sum
over the output's positions, a torch.sum that its profiler runs itself and sees (479 ACs in a layer of 3 x 10 maps of
4x4, beside 10,460 of the convolution). So the spikes go into a linear layer here, and the convolution gets values.
"""

from __future__ import annotations

from functools import partial

import torch
from torch import nn

from snnctl.datasets.facts import Facts
from snnctl.metrics.energy import FLOAT16, FLOAT32, INT8, energy
from snnctl.metrics.neurobench import NeuroBench
from snnctl.networks import Network
from tests.parity.parity import Inputs, Parity, Traces
from tests.parity.preset import preset

STEPS, BATCH = 10, 3
COSTS = {"fp32": FLOAT32, "fp16": FLOAT16, "int8": INT8}


def _inputs(spikes: bool) -> Inputs:
    """(T, B, 2, 6, 6): spikes, or values that are nowhere 0."""
    x = torch.rand(STEPS, BATCH, 2, 6, 6, generator=torch.Generator().manual_seed(0))
    return {"x": (x < 0.3).float() if spikes else x + 0.1}


def _weighing(spikes: bool) -> tuple[nn.Module, nn.Module]:
    """Two layers with positive weights, so that neurons fire."""
    torch.manual_seed(1)
    first = nn.Linear(6, 4, bias=False) if spikes else nn.Conv2d(2, 4, 3, bias=False)
    second = nn.Linear(48 if spikes else 64, 5, bias=False)
    for layer in (first, second):
        layer.weight.data.abs_().mul_(2)
    return first, second


def _theirs(given: Inputs, spikes: bool, costs: str) -> Traces:
    from spikingjelly.activation_based import layer, neuron
    from spikingjelly.activation_based.op_counter import simple_energy

    first, second = _weighing(spikes)
    net = nn.Sequential(layer.SeqToANNContainer(first), neuron.LIFNode(step_mode="m"), nn.Flatten(2),
                        layer.SeqToANNContainer(second))  # fmt: skip
    per_operation = getattr(simple_energy.SimpleEnergyCostConfig, costs)()
    config = simple_energy.SimpleEnergyConfig(cost_config=per_operation, extra_ignore_modules=[neuron.LIFNode])
    report = simple_energy.estimate_simple_energy(net, given["x"], config=config)
    found = (report.energy_ac_pj, report.energy_mac_pj, report.energy_compute_pj)
    return dict(zip(("ac", "mac", "operations"), (torch.tensor(e, dtype=torch.float64) for e in found), strict=True))


def _mine(given: Inputs, spikes: bool, costs: str) -> Traces:
    first, second = _weighing(spikes)
    lif = preset("lif/spikingjelly", tau_mem=2e-3, backend="eager")
    layers = {"first": first, "lif": lif, "flatten": nn.Flatten(), "second": second}
    net = Network(layers, Facts((2, 6, 6), (), 1e-3, STEPS)).eval()
    with NeuroBench(net) as bench:
        bench.run(given["x"], torch.full((BATCH,), STEPS))
    counted = bench.result()
    of_a_sample = energy(counted.effective_acs, counted.effective_macs, COSTS[costs])
    found = (of_a_sample.ac, of_a_sample.mac, of_a_sample.total)
    names = ("ac", "mac", "operations")
    return {n: torch.tensor(e * BATCH, dtype=torch.float64) for n, e in zip(names, found, strict=True)}


def _case(setting: str, spikes: bool, costs: str) -> Parity:
    return Parity(
        "spikingjelly.activation_based.op_counter.estimate_simple_energy", "snnctl eval: energy", setting,
        partial(_inputs, spikes), partial(_theirs, spikes=spikes, costs=costs),
        partial(_mine, spikes=spikes, costs=costs),
    )  # fmt: skip


CASES = [
    _case("ignoring LIFNode: spikes", spikes=True, costs="fp32"),
    _case("ignoring LIFNode: dense input", spikes=False, costs="fp32"),
    _case("ignoring LIFNode: dense input at fp16", spikes=False, costs="fp16"),
    _case("ignoring LIFNode: dense input at int8", spikes=False, costs="int8"),
]
