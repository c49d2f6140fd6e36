"""Norse's conductance-based neuron, its feed-forward step.

Its CobaLIFCell drops the input: the conductances of the input are overwritten by those of the feedback, so that the
neuron never fires. Ours is held against the equation in tests/neurons/test_coba_lif.py instead.
"""

from __future__ import annotations

from functools import partial

import torch

from snnctl.surrogates import FastSigmoid
from tests.parity.drive import currents, stepped
from tests.parity.parity import Inputs, Parity, Traces
from tests.parity.preset import mine

SETTINGS = {  # theirs, ours, the leak conductance
    "defaults": ({}, {}, 0.25),
    "tau_syn_exc_inv=100_tau_syn_inh_inv=50_c_m_inv=40": (
        {"tau_syn_exc_inv": 100.0, "tau_syn_inh_inv": 50.0, "c_m_inv": 40.0},
        {"tau_exc": 10e-3, "tau_inh": 20e-3, "tau_mem": 0.1}, 0.25,
    ),
    "g_l=1_c_m_inv=100_v_thresh=-40_v_rest=-65": (
        {"g_l": 1.0, "c_m_inv": 100.0, "v_thresh": -40.0, "v_rest": -65.0},
        {"tau_mem": 10e-3, "threshold": -40.0, "v_rest": -65.0}, 1.0,
    ),
}  # fmt: skip


def _theirs(given: Inputs, options: dict[str, float]) -> Traces:
    from norse.torch.functional import coba_lif

    p = coba_lif.CobaLIFParameters(**{n: torch.as_tensor(v) for n, v in options.items()})
    closed = torch.zeros_like(given["x"][0])

    def step(x, *state):
        out, after = coba_lif.coba_lif_feed_forward_step(x, coba_lif.CobaLIFFeedForwardState(*state), p)
        return (out, *after)

    return stepped(given, step, (closed + p.v_rest, closed, closed), ["v", "g_e", "g_i"])


def _mine(given: Inputs, options: dict[str, float], leak: float) -> Traces:
    fields = {"v": "v", "g_e": "g_exc", "g_i": "g_inh"}
    run = mine("coba_lif/norse", fields, surrogate=FastSigmoid(1.0), **options)
    traces = run({"x": given["x"] / leak, "g": given["g"]})  # our conductances are in units of the leak's
    traces |= {n: traces[n] * leak for n in ("g_e", "g_i")}
    return {**traces, "grad_x": traces["grad_x"] / leak}


CASES = [
    Parity(
        "norse.torch.functional.coba_lif.coba_lif_feed_forward_step", "neuron=coba_lif/norse", setting,
        currents(1.0, 0.6), partial(_theirs, options=theirs), partial(_mine, options=own, leak=leak),
    )
    for setting, (theirs, own, leak) in SETTINGS.items()
]  # fmt: skip
