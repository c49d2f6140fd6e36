"""Sinabs' adaptive neuron. Its recording of v_mem is overwritten by the next step, so v is the last one."""

from __future__ import annotations

from typing import Any

from tests.parity.cases.sinabs_lif import arguments, layer
from tests.parity.drive import currents
from tests.parity.parity import Inputs, Parity, Traces
from tests.parity.preset import mine


def _theirs(given: Inputs, **options: Any) -> Traces:
    learned = ["tau_mem", "tau_adapt", *(["tau_syn"] if "tau_syn" in options else [])]
    options = arguments(**options)
    import sinabs.layers as sinabs

    built = sinabs.ALIF(tau_mem=20.0, tau_adapt=40.0, **options)
    traces = layer(given, built, learned, {"a": "b"})
    return {**traces, "v": built.v_mem}


def _mine(given: Inputs, **options: Any) -> Traces:
    learned = ["tau_mem", "tau_adapt", *(["tau_syn"] if "tau_syn" in options else [])]
    taus = {"tau_mem": 20e-3, "tau_adapt": 40e-3}
    traces = mine("alif/sinabs", {"a": "a", "v": "v"}, learned, **taus, **options)(given)
    return {**traces, "v": traces["v"][-1]}


def _case(setting: str, theirs: dict, options: dict, scale: float = 3.0) -> Parity:
    return Parity(
        "sinabs.layers.ALIF", "neuron=alif/sinabs", setting, currents(scale, scale / 3),
        lambda given: _theirs(given, **theirs), lambda given: _mine(given, **options),
    )  # fmt: skip


CASES = [
    _case("defaults", {}, {}),
    _case("spike_threshold=0.15", {"spike_threshold": 0.15}, {"threshold": 0.15}),
    _case("adapt_scale=0.5_norm_input=False", {"adapt_scale": 0.5, "norm_input": False},
          {"beta": 0.5, "input_gain": 1.0}, 0.6),
    # with norm_input theirs scales the stored current anew at every step: no synapse of this time constant
    _case(
        "tau_syn=5_norm_input=False_min_v_mem=-0.5",
        {"tau_syn": 5.0, "norm_input": False, "min_v_mem": -0.5},
        {"tau_syn": 5e-3, "input_gain": 1.0, "v_min": -0.5}, 0.4,
    ),
]  # fmt: skip
