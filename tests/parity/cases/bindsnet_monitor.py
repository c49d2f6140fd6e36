"""BindsNET's monitors and running sums of what its nodes get."""

from __future__ import annotations

from functools import partial

import torch

from snnctl.datasets.facts import Facts
from snnctl.networks import Network
from snnctl.report.recording import record
from tests.parity.cases.bindsnet_lif import nodes
from tests.parity.drive import currents
from tests.parity.frameworks import bindsnet
from tests.parity.parity import Inputs, Parity, Traces
from tests.parity.preset import mine, preset

DRIVE = currents(6.0, 4.0, shape=(1, 5))


def _theirs(given: Inputs, field: str) -> Traces:
    """One sample, as they keep them without a batch in view: (T, B, N)."""
    layer = bindsnet("network.nodes").LIFNodes(n=5)
    layer.compute_decays(1.0)
    layer.set_batch_size(1)
    monitor = bindsnet("network.monitors").Monitor(layer, ["s", "v"])
    for x_t in given["x"]:
        layer.forward(x_t.clone())
        monitor.record()
    return {field: monitor.get(field[0]).float().view(given["x"].shape)}


def _mine(given: Inputs, field: str) -> Traces:
    net = Network({"neuron": preset("lif/bindsnet", backend="eager")}, Facts((5,), (), 1e-3, len(given["x"])))
    return {field: torch.from_numpy(record(net, given["x"], [field])[f"neuron/{field}"])}


def _summed(given: Inputs, kind: str) -> Traces:
    return {"summed": nodes(given, kind, {"summed": "summed"}, sum_input=True)["summed"]}


def _sum(given: Inputs) -> Traces:
    return {"summed": mine("integrator", {"v": "v"})(given)["v"]}


CASES = [
    *(
        Parity("bindsnet.network.monitors.Monitor", f"record=[{field}]", f"state_vars={field[0]}", DRIVE,
               partial(_theirs, field=field), partial(_mine, field=field))
        for field in ("spikes", "v")
    ),
    *(
        Parity(f"bindsnet.network.nodes.{kind}", "neuron=integrator beside it", "sum_input=True", currents(6.0, 4.0),
               partial(_summed, kind=kind), _sum)
        for kind in ("IFNodes", "CurrentLIFNodes")  # LIFNodes leaves out what it refuses while refractory
    ),
]  # fmt: skip
