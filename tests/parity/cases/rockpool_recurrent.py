"""Rockpool's LIFTorch with recurrent weights."""

from __future__ import annotations

from typing import Any

import torch

from tests.parity.cases.rockpool_lif import module, window
from tests.parity.drive import currents
from tests.parity.frameworks import guard
from tests.parity.parity import Inputs, Parity, Traces
from tests.parity.preset import preset, recurrent


def _inputs() -> Inputs:
    w = 0.03 * torch.randn(5, 5, generator=torch.Generator().manual_seed(5)) - 0.03  # what excites itself has no bound
    return {**currents(0.2, 0.1)(), "w": w}


def _theirs(given: Inputs, **options: Any) -> Traces:
    guard()
    from rockpool.nn.modules import LIFTorch

    built = LIFTorch((5, 5), has_rec=True, w_rec=given["w"].T.clone(), **options)  # from row to column
    traces = module(given, built, {"v": "vmem", "i": "isyn"}, [("w", "w_rec")])
    return {**traces, "grad_w": traces["grad_w"].T}


def _case(setting: str, theirs: dict, options: dict) -> Parity:
    return Parity(
        "rockpool.nn.modules.LIFTorch", "Recurrent with neuron=cuba_lif/rockpool", f"has_rec=True{setting}", _inputs,
        lambda given: _theirs(given, **theirs),
        lambda given: recurrent(given, preset("cuba_lif/rockpool", **options), {"v": "v", "i": "i"}),
    )  # fmt: skip


CASES = [
    _case("", {}, {}),
    _case("_threshold=0.5", {"threshold": 0.5}, {"threshold": 0.5, "surrogate": window(0.5)}),
    _case("_tau_mem=0.01_tau_syn=0.005", {"tau_mem": 10e-3, "tau_syn": 5e-3}, {"tau_mem": 10e-3, "tau_syn": 5e-3}),
]
