"""SpikingJelly's current-based node."""

from __future__ import annotations

from typing import Any

from tests.parity.cases.spikingjelly_lif import node
from tests.parity.drive import currents
from tests.parity.parity import Inputs, Parity, Traces
from tests.parity.preset import mine


def _theirs(given: Inputs, **options: Any) -> Traces:
    from spikingjelly.activation_based import neuron

    traces = node(given, neuron.CUBALIFNode(**options), ("v", "c"))
    return {"i" if name == "c" else name: trace for name, trace in traces.items()}


def _case(setting: str, theirs: dict, options: dict) -> Parity:
    return Parity(
        "spikingjelly.activation_based.neuron.CUBALIFNode", "neuron=cuba_lif/spikingjelly", setting, currents(0.5, 0.1),
        lambda given: _theirs(given, **theirs), mine("cuba_lif/spikingjelly", {"v": "v", "i": "i"}, **options),
    )  # fmt: skip


CASES = [
    _case("defaults", {}, {}),
    _case("v_reset=None_v_threshold=1", {"v_reset": None, "v_threshold": 1.0}, {"reset": "subtract", "threshold": 1.0}),
    _case("c_decay=0.8_v_decay=0.9", {"c_decay": 0.8, "v_decay": 0.9}, {"tau_syn": 5e-3, "tau_mem": 10e-3}),
]
