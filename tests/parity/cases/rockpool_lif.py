"""Rockpool's LIFNeuronTorch, and what its other modules are proven with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from snnctl.surrogates import TwoSlopes
from tests.parity.drive import currents, with_gradients
from tests.parity.frameworks import guard
from tests.parity.parity import Inputs, Parity, Traces
from tests.parity.preset import mine


def module(given: Inputs, built: Any, recorded: dict[str, str], learned: Sequence[tuple[str, str]] = ()) -> Traces:
    """A module of Rockpool, batch first: its spikes, recordings, and the gradients of parameters.

    Args:
        recorded: trace name -> name in their recording.
        learned: trace name -> their parameter; of a time constant it is the gradient of its logarithm.
    """
    x = given["x"].clone().requires_grad_()
    out, _, seen = built(x.transpose(0, 1), record=True)
    parameters = [(n, getattr(built, theirs)) for n, theirs in learned]
    traces = with_gradients(out.transpose(0, 1), x, given, parameters)
    for name, parameter in parameters:
        if name.startswith("tau"):
            traces[f"grad_{name}"] = (traces[f"grad_{name}"] * parameter).sum()
    return {**traces, **{name: seen[theirs].transpose(0, 1).squeeze(-1) for name, theirs in recorded.items()}}


def window(threshold: float) -> TwoSlopes:
    """Their StepPWL, whose window does not scale with the threshold as the rest does."""
    return TwoSlopes(kink=-0.5 / threshold)


def _theirs(given: Inputs, **options: Any) -> Traces:
    guard()
    from rockpool.nn.modules import LIFNeuronTorch

    options = {n: torch.tensor(v) if n == "max_spikes_per_dt" else v for n, v in options.items()}
    return module(given, LIFNeuronTorch((5,), **options), {"v": "vmem"}, [("tau_mem", "tau_mem")])


def _case(setting: str, theirs: dict, options: dict, scale: float = 0.5) -> Parity:
    return Parity(
        "rockpool.nn.modules.LIFNeuronTorch", "neuron=lif/rockpool", setting, currents(scale),
        lambda given: _theirs(given, **theirs), mine("lif/rockpool", learned=["tau_mem"], **options),
    )  # fmt: skip


CASES = [
    _case("defaults", {}, {}),
    _case("threshold=0.3_max_spikes_per_dt=2", {"threshold": 0.3, "max_spikes_per_dt": 2.0},
          {"threshold": 0.3, "max_spikes": 2, "surrogate": window(0.3)}),
    _case("tau_mem=0.005", {"tau_mem": 5e-3}, {"tau_mem": 5e-3}),
]  # fmt: skip
