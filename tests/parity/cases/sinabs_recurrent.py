"""Sinabs' recurrent layers. Their recordings of v_mem are overwritten by the next step, so v is the last one."""

from __future__ import annotations

from typing import Any

import torch

from tests.parity.cases.sinabs_lif import arguments
from tests.parity.drive import currents, with_gradients
from tests.parity.parity import Inputs, Parity, Traces
from tests.parity.preset import preset, recurrent


def _inputs(scale: float):
    w = 0.4 * torch.randn(5, 5, generator=torch.Generator().manual_seed(4))
    return lambda: {**currents(scale, scale / 4)(), "w": w}


def _theirs(given: Inputs, kind: str, **options: Any) -> Traces:
    options = arguments(**options)
    import sinabs.layers as sinabs

    feedback = torch.nn.Linear(5, 5, bias=False)
    feedback.weight.data.copy_(given["w"])
    built = getattr(sinabs, kind)(rec_connect=feedback, **options)
    x = given["x"].clone().requires_grad_()
    out = built(x.transpose(0, 1)).transpose(0, 1)
    return {**with_gradients(out, x, given, [("w", feedback.weight)]), "v": built.v_mem}


def _mine(given: Inputs, name: str, **options: Any) -> Traces:
    traces = recurrent(given, preset(name, **options), {"v": "v"})
    return {**traces, "v": traces["v"][-1]}


def _case(kind: str, name: str, setting: str, theirs: dict, options: dict, scale: float) -> Parity:
    return Parity(
        f"sinabs.layers.{kind}", f"Recurrent with neuron={name}", setting, _inputs(scale),
        lambda given: _theirs(given, kind, **theirs), lambda given: _mine(given, name, **options),
    )  # fmt: skip


LIF, ALIF = {"tau_mem": 20.0}, {"tau_mem": 20.0, "tau_adapt": 40.0}
OUR_LIF, OUR_ALIF = {"tau_mem": 20e-3}, {"tau_mem": 20e-3, "tau_adapt": 40e-3}
CASES = [
    _case("LIFRecurrent", "lif/sinabs", "defaults", LIF, OUR_LIF, 6.0),
    _case("LIFRecurrent", "lif/sinabs", "norm_input=False_min_v_mem=-0.5",
          {**LIF, "norm_input": False, "min_v_mem": -0.5}, {**OUR_LIF, "input_gain": 1.0, "v_min": -0.5}, 0.6),
    _case("LIFRecurrent", "cuba_lif/sinabs", "tau_syn=5_SingleSpike",
          {**LIF, "tau_syn": 5.0, "spike_fn": "SingleSpike"}, {**OUR_LIF, "tau_syn": 5e-3, "max_spikes": 1}, 3.0),
    _case("ALIFRecurrent", "alif/sinabs", "defaults", ALIF, OUR_ALIF, 6.0),
    _case("ALIFRecurrent", "alif/sinabs", "spike_threshold=0.2", {**ALIF, "spike_threshold": 0.2},
          {**OUR_ALIF, "threshold": 0.2}, 3.0),
    _case("ALIFRecurrent", "alif/sinabs", "adapt_scale=0.5_norm_input=False",
          {**ALIF, "adapt_scale": 0.5, "norm_input": False}, {**OUR_ALIF, "beta": 0.5, "input_gain": 1.0}, 0.6),
    _case("IAFRecurrent", "if/sinabs", "defaults", {}, {}, 0.6),
    _case("IAFRecurrent", "if/sinabs", "spike_threshold=0.5", {"spike_threshold": 0.5}, {"threshold": 0.5}, 0.6),
    _case("IAFRecurrent", "if/sinabs", "SingleSpike_min_v_mem=-1", {"spike_fn": "SingleSpike", "min_v_mem": -1.0},
          {"max_spikes": 1, "v_min": -1.0}, 0.6),
]  # fmt: skip
