"""Sinabs' integrate-and-fire neuron."""

from __future__ import annotations

from typing import Any

from tests.parity.cases.sinabs_lif import arguments, layer
from tests.parity.drive import currents
from tests.parity.parity import Inputs, Parity, Traces
from tests.parity.preset import mine


def _theirs(given: Inputs, **options: Any) -> Traces:
    options = arguments(**options)
    import sinabs.layers as sinabs

    return layer(given, sinabs.IAF(**options))


def _case(setting: str, theirs: dict, options: dict, scale: float = 0.8) -> Parity:
    return Parity(
        "sinabs.layers.IAF", "neuron=if/sinabs", setting, currents(scale),
        lambda given: _theirs(given, **theirs), mine("if/sinabs", **options),
    )  # fmt: skip


CASES = [
    _case("defaults", {}, {}),
    _case("min_v_mem=-1", {"min_v_mem": -1.0}, {"v_min": -1.0}),
    _case("spike_threshold=0.4_SingleSpike", {"spike_threshold": 0.4, "spike_fn": "SingleSpike"},
          {"threshold": 0.4, "max_spikes": 1}),
]  # fmt: skip
