"""SpikingJelly's integrate-and-fire nodes."""

from __future__ import annotations

from typing import Any

from tests.parity.cases.spikingjelly_lif import node
from tests.parity.drive import currents
from tests.parity.parity import Inputs, Parity, Traces
from tests.parity.preset import mine


def _theirs(given: Inputs, kind: str, **options: Any) -> Traces:
    from spikingjelly.activation_based import neuron

    return node(given, getattr(neuron, kind)(**options))


def _case(kind: str, setting: str, theirs: dict, options: dict) -> Parity:
    return Parity(
        f"spikingjelly.activation_based.neuron.{kind}", "neuron=if/spikingjelly", setting, currents(),
        lambda given: _theirs(given, kind, **theirs), mine("if/spikingjelly", **options),
    )  # fmt: skip


CASES = [
    case
    for kind in ("IFNode", "SimpleIFNode")
    for case in (
        _case(kind, "defaults", {}, {}),
        _case(kind, "v_threshold=0.5_detach_reset", {"v_threshold": 0.5, "detach_reset": True},
              {"threshold": 0.5, "detach_reset": True}),
        _case(kind, "v_reset=None", {"v_reset": None}, {"reset": "subtract"}),
    )
]  # fmt: skip
