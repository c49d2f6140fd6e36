"""Sinabs' leaky integrate-and-fire neuron behind a synaptic current."""

from __future__ import annotations

from typing import Any

from tests.parity.cases.sinabs_lif import arguments, layer
from tests.parity.drive import currents
from tests.parity.parity import Inputs, Parity, Traces
from tests.parity.preset import mine

LEARNED = ["tau_mem", "tau_syn"]


def _theirs(given: Inputs, **options: Any) -> Traces:
    options = arguments(**options)
    import sinabs.layers as sinabs

    built = sinabs.LIF(tau_mem=20.0, tau_syn=5.0, **options)
    return layer(given, built, LEARNED, {"v": "v_mem", "i": "i_syn"})


def _case(setting: str, theirs: dict, options: dict, scale: float = 2.0) -> Parity:
    taus = {"tau_mem": 20e-3, "tau_syn": 5e-3}
    return Parity(
        "sinabs.layers.LIF", "neuron=cuba_lif/sinabs", f"tau_syn=5{setting}", currents(scale, scale / 5),
        lambda given: _theirs(given, **theirs),
        mine("cuba_lif/sinabs", {"v": "v", "i": "i"}, LEARNED, **taus, **options),
    )  # fmt: skip


CASES = [
    _case("", {}, {}),
    _case("_norm_input=False", {"norm_input": False}, {"input_gain": 1.0}, 0.2),
    _case("_spike_threshold=0.3_SingleSpike", {"spike_threshold": 0.3, "spike_fn": "SingleSpike"},
          {"threshold": 0.3, "max_spikes": 1}),
]  # fmt: skip
