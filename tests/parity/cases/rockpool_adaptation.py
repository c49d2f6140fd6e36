"""Rockpool's LIF with after-hyperpolarisation, aLIFTorch."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch

from tests.parity.cases.rockpool_lif import module, window
from tests.parity.drive import currents
from tests.parity.frameworks import guard
from tests.parity.parity import Inputs, Parity, Traces
from tests.parity.preset import mine

FIELDS, LEARNED = {"v": "v", "i": "i", "w": "w"}, ["tau_mem", "tau_syn"]


def _theirs(given: Inputs, w_ahp: float = -0.9, **options: Any) -> Traces:
    guard()
    from rockpool.nn.modules.torch.ahp_lif_torch import aLIFTorch

    built = aLIFTorch(shape=(5, 5), w_ahp=torch.full((5,), w_ahp), **options)
    traces = module(given, built, {"v": "vmem", "i": "isyn", "w": "iahp"}, [(n, n) for n in LEARNED])
    return _in_order(traces)


def _in_order(traces: Traces) -> Traces:
    """Their record of w is of what drove the step, ours of what drives the next: compared where both have it."""
    return {**traces, "w": traces["w"][1:]}


def _mine(given: Inputs, **options: Any) -> Traces:
    traces = mine("ad_lif/rockpool", FIELDS, LEARNED, **options)(given)
    return {**traces, "w": -traces["w"][:-1]}


def _case(setting: str, theirs: dict, options: dict) -> Parity:
    return Parity(
        "rockpool.nn.modules.torch.ahp_lif_torch.aLIFTorch", "neuron=ad_lif/rockpool", setting, currents(0.3, 0.2),
        partial(_theirs, **theirs), partial(_mine, **options),
    )  # fmt: skip


CASES = [
    _case("defaults", {}, {}),
    _case("w_ahp=-0.3_tau_ahp=0.1", {"w_ahp": -0.3, "tau_ahp": 0.1}, {"b": 0.3, "tau_w": 0.1}),
    _case("threshold=0.4_tau_mem=0.01_tau_syn=0.005", {"threshold": 0.4, "tau_mem": 10e-3, "tau_syn": 5e-3},
          {"threshold": 0.4, "tau_mem": 10e-3, "tau_syn": 5e-3, "surrogate": window(0.4)}),
]  # fmt: skip
