"""SpikingJelly's IzhikevichNode, and the adaptation of its AdaptBaseNode around a leaky membrane."""

from __future__ import annotations

from functools import partial

import torch

from tests.parity.cases.spikingjelly_exponential import SUBTRACT, case
from tests.parity.drive import currents, stepped
from tests.parity.parity import Inputs, Parity, Traces
from tests.parity.preset import mine

IZH, FIELDS = "izhikevich/spikingjelly", {"v": "v", "w": "w"}


def _adapt(given: Inputs, tau: float, tau_w: float, a: float, b: float) -> Traces:
    from spikingjelly.activation_based import neuron

    base = neuron.AdaptBaseNode(tau_w=tau_w, a=a, b=b)  # has no membrane of its own
    start = torch.zeros_like(given["x"][0])

    def step(x, v, w):
        h = v + (x - v - w) / tau
        base.v, base.w = h, w
        base.neuronal_adaptation()
        s = base.surrogate_function(h - base.v_threshold)
        return s, base.apply_hard_reset(h, s, 0.0), base.w + base.b * s

    return stepped(given, step, (start, start), ["v", "w"])


def _adapt_case(tau: float, tau_w: float, a: float, b: float) -> Parity:
    from snnctl.surrogates import Sigmoid

    options = {"tau_mem": tau * 1e-3, "tau_w": tau_w * 1e-3, "a": a, "b": b, "decay": "euler", "input_gain": "dt/tau",
               "w_follows": "charged", "reset": "value", "surrogate": Sigmoid(4.0)}  # fmt: skip
    return Parity(
        "spikingjelly.activation_based.neuron.AdaptBaseNode", "neuron=ad_lif", f"tau_w={tau_w:g}_a={a:g}_b={b:g}",
        currents(1.5, 1.0), partial(_adapt, tau=tau, tau_w=tau_w, a=a, b=b), mine("ad_lif", FIELDS, **options),
    )  # fmt: skip


CASES = [
    case("IzhikevichNode", IZH, "defaults", {}, {}, fields=FIELDS),
    case("IzhikevichNode", IZH, "a=0.3_b=0.2_tau_w=5", {"a": 0.3, "b": 0.2, "tau_w": 5.0},
         {"a": 0.3, "b": 0.2, "tau_w": 5e-3}, 1.5, FIELDS),
    case("IzhikevichNode", IZH, "v_c=0.5_a0=2_v_rest=0.1_b=0.3", {"v_c": 0.5, "a0": 2.0, "v_rest": 0.1, "b": 0.3},
         {"v_crit": 0.5, "curvature": 2.0, "v_rest": 0.1, "b": 0.3}, 1.5, FIELDS),
    case("IzhikevichNode", IZH, "v_reset=None_b=0.2", {"v_reset": None, "b": 0.2}, {**SUBTRACT, "b": 0.2}, 0.5, FIELDS),
    _adapt_case(2.0, 2.0, 0.0, 0.0),
    _adapt_case(2.0, 10.0, 0.5, 0.2),
    _adapt_case(5.0, 20.0, -0.1, 0.4),
]  # fmt: skip
