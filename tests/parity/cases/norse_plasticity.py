"""Norse's Tsodyks-Markram synapses: their x, the resources, is our r."""

from __future__ import annotations

from functools import partial

import torch

from tests.parity.drive import currents, stepped
from tests.parity.parity import Inputs, Parity, Traces
from tests.parity.preset import mine, silent


def _spikes() -> Inputs:
    given = currents()()
    return {**given, "x": (given["x"] > 0.6).float()}


def _theirs(given: Inputs, **options: float) -> Traces:
    from norse.torch.functional import tsodyks_makram

    p = tsodyks_makram.TsodyksMakramParameters(**options)
    none = torch.zeros_like(given["x"][0])

    def step(x, *state):
        out, after = tsodyks_makram.stp_step(x, tsodyks_makram.TsodyksMakramState(*state), p)
        return out, after.u, after.x

    return silent(stepped(given, step, (none, none + 1), ["u", "r"]))


def _case(setting: str, options: dict[str, float], own: dict[str, float]) -> Parity:
    run = mine("stp", {"u": "u", "r": "r"}, decay="euler", **own)
    return Parity(
        "norse.torch.functional.tsodyks_makram.stp_step", "neuron=stp neuron.decay=euler", setting, _spikes,
        partial(_theirs, **options), lambda given: silent(run(given)),
    )  # fmt: skip


CASES = [
    _case("defaults", {}, {}),
    _case("tau_f_inv=1_tau_d_inv=20_U=0.1", {"tau_f_inv": 1.0, "tau_d_inv": 20.0, "U": 0.1},
          {"tau_f": 1.0, "tau_d": 50e-3, "use": 0.1}),
    _case("tau_f_inv=100_U=0.9", {"tau_f_inv": 100.0, "U": 0.9}, {"tau_f": 10e-3, "use": 0.9}),
]  # fmt: skip
