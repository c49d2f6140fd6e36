"""snnTorch's batch norm through time: a list of norms, one a step."""

from __future__ import annotations

from typing import Any

import torch

from snnctl.networks import BatchNormThroughTime
from tests.parity.cases.spikingjelly_norms import CHANNELS, STEPS, _inputs
from tests.parity.parity import Inputs, Parity, Traces


def _theirs(given: Inputs, dims: int, **options: Any) -> Traces:
    from snntorch import _layers

    norms = getattr(_layers, f"BatchNormTT{dims}d")(CHANNELS, STEPS, **options)
    weights = [norm.weight for norm in norms]
    for weight, w in zip(weights, given["w"], strict=True):
        weight.data.copy_(w)
    x = given["x"].clone().requires_grad_()
    y = torch.stack([norm(x_t) for norm, x_t in zip(norms, x, strict=True)])
    grads = torch.autograd.grad((y * given["g"]).sum(), [x, *weights])
    norms.eval()
    evaluated = torch.stack([norm(x_t) for norm, x_t in zip(norms, given["x"], strict=True)])
    return {"y": y, "grad_x": grads[0], "grad_weight": torch.stack(grads[1:]), "evaluated": evaluated}


def _mine(given: Inputs, **options: Any) -> Traces:
    norm = BatchNormThroughTime(CHANNELS, STEPS, **options)
    norm.weight.data.copy_(given["w"])
    x = given["x"].clone().requires_grad_()
    y = norm(x, None, dt=1e-3)[0]
    grad_x, grad_w = torch.autograd.grad((y * given["g"]).sum(), [x, norm.weight])
    evaluated = norm.eval()(given["x"], None, dt=1e-3)[0]
    return {"y": y, "grad_x": grad_x, "grad_weight": grad_w, "evaluated": evaluated}


def _case(dims: int, setting: str, options: dict) -> Parity:
    return Parity(
        f"snntorch.BatchNormTT{dims}d", "snnctl.networks.BatchNormThroughTime", setting,
        _inputs(*((3, 2) if dims == 2 else ())),
        lambda given: _theirs(given, dims, **options), lambda given: _mine(given, **options),
    )  # fmt: skip


CASES = [
    _case(dims, setting, options)
    for dims in (1, 2)
    for setting, options in (("defaults", {}), ("eps=0.1", {"eps": 0.1}), ("momentum=0.5", {"momentum": 0.5}))
]
