"""SpikingJelly's nodes with several levels of spikes: integer and ternary."""

from __future__ import annotations

from typing import Any

from tests.parity.cases.spikingjelly_lif import node
from tests.parity.drive import currents
from tests.parity.parity import Inputs, Parity, Traces
from tests.parity.preset import mine


def _theirs(given: Inputs, kind: str, levels: int | None = None, **options: Any) -> Traces:
    from spikingjelly.activation_based import neuron, surrogate

    if levels is not None:
        options["surrogate_function"] = surrogate.MultiLevelSpikeCount(levels)
    return node(given, getattr(neuron, kind)(**options))


def _case(kind: str, name: str, setting: str, theirs: dict, options: dict, scale: float = 1.2) -> Parity:
    return Parity(
        f"spikingjelly.activation_based.neuron.{kind}", f"neuron={name}", setting, currents(scale),
        lambda given: _theirs(given, kind, **theirs), mine(name, **options),
    )  # fmt: skip


SOFT, OUR_SOFT = {"v_reset": None}, {"reset": "subtract"}
CASES = [
    _case("ILIFNode", "lif/ilif", "defaults", {}, {}),
    _case("ILIFNode", "lif/ilif", "levels=8_detach_reset", {"levels": 8, "detach_reset": True},
          {"max_spikes": 8, "detach_reset": True}, 3.0),
    _case("ILIFNode", "lif/ilif", "tau=2_v_threshold=0.5", {"tau": 2.0, "v_threshold": 0.5},
          {"tau_mem": 2e-3, "threshold": 0.5}),
    _case("TernaryIFNode", "if/ternary", "defaults", {}, {}),
    _case("TernaryIFNode", "if/ternary", "v_reset=None", SOFT, OUR_SOFT),
    _case("TernaryIFNode", "if/ternary", "v_threshold=0.5_detach_reset", {"v_threshold": 0.5, "detach_reset": True},
          {"threshold": 0.5, "detach_reset": True}),
    _case("TernaryLIFNode", "lif/ternary", "defaults", {}, {}, 3.0),
    _case("TernaryLIFNode", "lif/ternary", "v_reset=None_decay_input=False", {**SOFT, "decay_input": False},
          {**OUR_SOFT, "input_gain": 1.0}),
    _case("TernaryLIFNode", "lif/ternary", "tau=5_v_reset=0.2", {"tau": 5.0, "v_reset": 0.2},
          {"tau_mem": 5e-3, "v_reset": 0.2, "v_rest": 0.2}, 4.0),
]  # fmt: skip
