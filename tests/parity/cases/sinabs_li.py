"""Sinabs' leaky integrator."""

from __future__ import annotations

from typing import Any

from tests.parity.cases.sinabs_lif import arguments, layer
from tests.parity.drive import currents
from tests.parity.parity import Inputs, Parity, Traces
from tests.parity.preset import mine, silent


def _theirs(given: Inputs, **options: Any) -> Traces:
    arguments()
    import sinabs.layers as sinabs

    return silent(layer(given, sinabs.ExpLeak(tau_mem=20.0, **options), ["tau_mem"]))


def _case(setting: str, theirs: dict, options: dict) -> Parity:
    return Parity(
        "sinabs.layers.ExpLeak", "neuron=li/sinabs", setting, currents(), lambda given: _theirs(given, **theirs),
        lambda given: silent(mine("li/sinabs", learned=["tau_mem"], **options)(given)),
    )  # fmt: skip


CASES = [
    _case("defaults", {}, {}),
    _case("norm_input=True", {"norm_input": True}, {"input_gain": "1-decay"}),
    _case("min_v_mem=-0.2", {"min_v_mem": -0.2}, {"v_min": -0.2}),
]
