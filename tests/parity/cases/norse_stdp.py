"""Norse's STDP steps, dense and convolutional."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch

from snnctl.plasticity import PairSTDP
from tests.parity.parity import Inputs, Parity, Traces
from tests.parity.plastic_drive import layer_of, learned, spikes, stacked


def _theirs(given: Inputs, convolution: bool, **options: Any) -> Traces:
    import norse.torch.functional.stdp as stdp

    p = stdp.STDPParameters(eta_plus=1e-2, eta_minus=2e-2, convolutional=convolution, **options)
    step = stdp.stdp_step_conv2d if convolution else stdp.stdp_step_linear
    state = stdp.STDPState(torch.zeros_like(given["pre"][0]), torch.zeros_like(given["post"][0]))
    w, found = given["w"].clone(), []
    for pre, post in zip(given["pre"], given["post"], strict=True):
        w, state = step(pre, post, w, state, p)
        found.append(w.clone())
    return stacked(found)


def _case(setting: str, theirs: dict[str, Any], kind: str = "Linear", layer: dict | None = None, **own: Any) -> Parity:
    convolution = kind != "Linear"
    made = layer_of(kind, 2, **layer) if layer else layer_of(kind)
    rule = PairSTDP(
        eta_plus=1e-2, eta_minus=2e-2, tau_pre=50e-3, tau_post=50e-3, decay="euler", trace_gain="dt/tau",
        **{"low": 0.0, "high": 1.0, **own},
    )  # fmt: skip
    name = "stdp_step_conv2d" if convolution else "stdp_step_linear"
    return Parity(
        f"norse.torch.functional.stdp.{name}", "plasticity=norse", setting, spikes(made),
        partial(_theirs, convolution=convolution, **theirs, **(layer or {})),
        lambda given: learned(given, made[0], rule),
    )  # fmt: skip


CASES = [
    _case("defaults", {}),
    _case("hardbound=False", {"hardbound": False}, outside="keep"),
    _case("additive_step", {"stdp_algorithm": "additive_step"}, dependence="step"),
    _case("multiplicative_pow_mu=0.4", {"stdp_algorithm": "multiplicative_pow", "mu": 0.4}, dependence="power", mu=0.4),
    _case("multiplicative_relu", {"stdp_algorithm": "multiplicative_relu"}, dependence="multiplicative"),
    _case("defaults", {}, "Conv2d", {"stride": 1, "padding": 0}),
    _case("multiplicative_relu_stride=2_padding=1", {"stdp_algorithm": "multiplicative_relu"}, "Conv2d",
          {"stride": 2, "padding": 1}, dependence="multiplicative"),
]  # fmt: skip
