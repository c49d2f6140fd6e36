"""The STDP steps of snnTorch and SpikingJelly, whose weights wait until a sequence has ended."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from snnctl.plasticity import PairSTDP
from tests.parity.parity import Inputs, Parity, Traces
from tests.parity.plastic_drive import layer_of, learned, spikes

TAUS = {"tau_pre": 20.0, "tau_post": 30.0}  # steps
ONES = {"f_pre": torch.ones_like, "f_post": torch.ones_like}


def _snntorch(given: Inputs, module: nn.Module, kind: str, **options: Any) -> Traces:
    import snntorch.functional.stdp_learner as theirs

    step = getattr(theirs, f"stdp_{kind.lower()}_single_step")
    module.weight.data.copy_(given["w"])
    pre_trace = post_trace = None
    total = torch.zeros_like(given["w"])
    for pre, post in zip(given["pre"], given["post"], strict=True):
        pre_trace, post_trace, dw = step(module, pre, post, pre_trace, post_trace, **TAUS, **options)
        total += dw.detach()
    return {"dw": total}


def _spikingjelly(given: Inputs, module: nn.Module, kind: str, **options: Any) -> Traces:
    import spikingjelly.activation_based.functional.learning as theirs

    step = getattr(theirs, f"stdp_{kind.lower()}_step")
    pre_spikes = given["pre"]
    if kind != "Linear":
        options |= {"stride": module.stride}
        pads = [p for side in reversed(module.padding) for p in (side, side)]
        pre_spikes = nn.functional.pad(pre_spikes, pads)
    trace = torch.zeros_like(pre_spikes[0]), torch.zeros_like(given["post"][0])
    total = torch.zeros_like(given["w"])
    for pre, post in zip(pre_spikes, given["post"], strict=True):
        dw, trace = step(pre, post, trace, given["w"], **TAUS, **options)
        total += dw
    return {"dw": total}


def _case(framework: str, kind: str, setting: str, options: dict[str, Any], dependence: str,
          layer: dict | None = None) -> Parity:  # fmt: skip
    made = layer_of(kind, 2, **layer) if layer else layer_of(kind)
    run = {"snntorch": _snntorch, "spikingjelly": _spikingjelly}[framework]
    api = {
        "snntorch": f"snntorch.functional.stdp_learner.stdp_{kind.lower()}_single_step",
        "spikingjelly": f"spikingjelly.activation_based.functional.learning.stdp_{kind.lower()}_step",
    }[framework]
    rule = PairSTDP(eta_plus=1.0, eta_minus=1.0, tau_pre=20e-3, tau_post=30e-3, decay="euler", dependence=dependence)
    return Parity(
        api, f"plasticity={framework}", setting, spikes(made), lambda given: run(given, made[0], kind, **options),
        lambda given: learned(given, made[0], rule, at_once=True),
    )  # fmt: skip


CASES = [
    case
    for framework in ("snntorch", "spikingjelly")
    for case in (
        _case(framework, "Linear", "defaults", {}, "proportional"),
        _case(framework, "Linear", "f=1", ONES, "additive"),
        _case(framework, "Conv1d", "stride=2_padding=1", {}, "proportional", {"stride": 2, "padding": 1}),
        _case(framework, "Conv2d", "stride=2_padding=1", {}, "proportional", {"stride": 2, "padding": 1}),
        _case(framework, "Conv2d", "defaults", {}, "proportional", {"stride": 1, "padding": 0}),
    )
]
