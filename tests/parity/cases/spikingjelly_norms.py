"""SpikingJelly's norms over time."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from snnctl import networks
from tests.parity.parity import Inputs, Parity, Traces

STEPS, BATCH, CHANNELS = 6, 3, 4


def _inputs(*space: int):
    def inputs() -> Inputs:
        draw = torch.Generator().manual_seed(len(space))
        shape = (STEPS, BATCH, CHANNELS, *space)
        given = {"x": 2 * torch.randn(shape, generator=draw) + 0.5, "g": torch.randn(shape, generator=draw)}
        return {**given, "w": torch.rand(STEPS, CHANNELS, generator=draw) + 0.5}

    return inputs


def _traces(given: Inputs, norm: Any, named: dict[str, nn.Parameter]) -> Traces:
    """In training and, by what it learned of the data, in evaluation; and the gradients of training."""
    x = given["x"].clone().requires_grad_()
    y = norm(x)
    grads = torch.autograd.grad((y * given["g"]).sum(), [x, *named.values()])
    found = {"y": y, **{f"grad_{n}": g for n, g in zip(["x", *named], grads, strict=True)}}
    return {k: v.detach() for k, v in found.items()}


def _ran(norm: nn.Module):
    return lambda x: norm(x, None, dt=1e-3)[0]


def _folded(norm: nn.Module):
    return lambda x: norm(x.flatten(0, 1)).unflatten(0, x.shape[:2])


def _evaluated(norm: nn.Module, run: Any, x: Tensor) -> Tensor:
    norm.eval()
    return run(x).detach()


def _threshold(given: Inputs, dims: int, **options: Any) -> Traces:
    from spikingjelly.activation_based import layer

    norm = getattr(layer, f"ThresholdDependentBatchNorm{dims}d")(num_features=CHANNELS, **options)
    found = _traces(given, norm, {"weight": norm.weight, "bias": norm.bias})
    return {**found, "evaluated": _evaluated(norm, norm, given["x"])}


def _my_threshold(given: Inputs, **options: Any) -> Traces:
    norm = networks.ThresholdBatchNorm(CHANNELS, **options)
    found = _traces(given, _folded(norm), {"weight": norm.weight, "bias": norm.bias})
    return {**found, "evaluated": _evaluated(norm, _folded(norm), given["x"])}


def _effective(given: Inputs, dims: int, **options: Any) -> Traces:
    from spikingjelly.activation_based import layer

    norm = getattr(layer, f"TemporalEffectiveBatchNorm{dims}d")(STEPS, CHANNELS, **options)
    norm.scale.data.copy_(given["w"][:, 0])
    found = _traces(given, norm, {"weight": norm.weight, "bias": norm.bias, "scale": norm.scale})
    return {**found, "evaluated": _evaluated(norm, norm, given["x"])}


def _my_effective(given: Inputs, **options: Any) -> Traces:
    norm = networks.TemporalEffectiveBatchNorm(CHANNELS, STEPS, **options)
    norm.scale.data.copy_(given["w"][:, 0])
    found = _traces(given, _ran(norm), {"weight": norm.weight, "bias": norm.bias, "scale": norm.scale})
    return {**found, "evaluated": _evaluated(norm, _ran(norm), given["x"])}


def _through_time(given: Inputs, dims: int, **options: Any) -> Traces:
    from spikingjelly.activation_based import layer

    norm = getattr(layer, f"BatchNormThroughTime{dims}d")(STEPS, CHANNELS, step_mode="m", **options)
    for bn, w in zip(norm.bn_list, given["w"], strict=True):
        bn.weight.data.copy_(w)
    x = given["x"].clone().requires_grad_()
    y = norm(x)
    grads = torch.autograd.grad((y * given["g"]).sum(), [x, *(bn.weight for bn in norm.bn_list)])
    norm.reset()
    evaluated = _evaluated(norm, norm, given["x"])
    return {"y": y.detach(), "grad_x": grads[0], "grad_weight": torch.stack(grads[1:]), "evaluated": evaluated}


def _my_through_time(given: Inputs, **options: Any) -> Traces:
    norm = networks.BatchNormThroughTime(CHANNELS, STEPS, **options)
    norm.weight.data.copy_(given["w"])
    found = _traces(given, _ran(norm), {"weight": norm.weight})
    return {**found, "evaluated": _evaluated(norm, _ran(norm), given["x"])}


def _neuron(given: Inputs, **options: Any) -> Traces:
    from spikingjelly.activation_based import layer

    norm = layer.NeuNorm(CHANNELS, *given["x"].shape[3:], step_mode="m", **options)
    norm.w.data.copy_(given["w"][0, : len(norm.w), None, None])
    return _traces(given, norm, {"weight": norm.w})


def _my_neuron(given: Inputs, **options: Any) -> Traces:
    norm = networks.NeuNorm(tuple(given["x"].shape[2:]), **options)
    norm.weight.data.copy_(given["w"][0, : len(norm.weight), None, None])
    return _traces(given, _ran(norm), {"weight": norm.weight})


SPACE = {1: (5,), 2: (3, 2), 3: (2, 2, 2)}
KINDS = {
    "ThresholdDependentBatchNorm": (_threshold, _my_threshold, "ThresholdBatchNorm"),
    "TemporalEffectiveBatchNorm": (_effective, _my_effective, "TemporalEffectiveBatchNorm"),
    "BatchNormThroughTime": (_through_time, _my_through_time, "BatchNormThroughTime"),
}


def _case(kind: str, dims: int, setting: str, theirs: dict, mine: dict) -> Parity:
    run, my_run, name = KINDS[kind]
    return Parity(
        f"spikingjelly.activation_based.layer.{kind}{dims}d", f"snnctl.networks.{name}", setting,
        _inputs(*SPACE[dims]), lambda given: run(given, dims, **theirs), lambda given: my_run(given, **mine),
    )  # fmt: skip


def _neu(setting: str, theirs: dict, mine: dict) -> Parity:
    return Parity(
        "spikingjelly.activation_based.layer.NeuNorm", "snnctl.networks.NeuNorm", setting, _inputs(3, 2),
        lambda given: _neuron(given, **theirs), lambda given: _my_neuron(given, **mine),
    )  # fmt: skip


CASES = [
    *(_case("ThresholdDependentBatchNorm", d, "alpha=1_v_th=1", {"alpha": 1.0, "v_th": 1.0}, {}) for d in SPACE),
    _case("ThresholdDependentBatchNorm", 2, "alpha=0.7_v_th=0.5", {"alpha": 0.7, "v_th": 0.5},
          {"alpha": 0.7, "threshold": 0.5}),
    _case("ThresholdDependentBatchNorm", 2, "eps=0.1_momentum=0.5",
          {"alpha": 1, "v_th": 1, "eps": 0.1, "momentum": 0.5}, {"eps": 0.1, "momentum": 0.5}),
    *(_case(kind, d, "defaults", {}, {}) for kind in list(KINDS)[1:] for d in SPACE),
    *(_case(kind, 2, setting, options, options) for kind in list(KINDS)[1:]
      for setting, options in (("eps=0.1", {"eps": 0.1}), ("momentum=0.5", {"momentum": 0.5}))),
    _neu("defaults", {}, {}),
    _neu("k=0.5", {"k": 0.5}, {"k": 0.5}),
    _neu("shared_across_channels=True", {"shared_across_channels": True}, {"shared": True}),
]  # fmt: skip
