"""SpikingJelly's synapse that holds its current, its standardised convolution and its product with sparse spikes."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import nn

from snnctl.networks import StandardisedConv2d
from tests.parity.drive import with_gradients
from tests.parity.parity import Inputs, Parity, Traces
from tests.parity.preset import mine, silent

MODULE = "spikingjelly.activation_based"


def _spikes(*shape: int) -> Inputs:
    draw = torch.Generator().manual_seed(5)
    x = (torch.rand(40, *shape, generator=draw) < 0.3).float()
    return {"x": x, "g": torch.randn(x.shape, generator=draw)}


def _filter(given: Inputs, tau: float = 100.0, learnable: bool = False) -> Traces:
    from spikingjelly.activation_based import layer

    built = layer.SynapseFilter(tau, learnable, step_mode="m")
    x = given["x"].clone().requires_grad_()
    return silent(with_gradients(built(x), x, given, []))


def _filter_case(setting: str, tau: float, learnable: bool = False) -> Parity:
    run = mine("exp_synapse", {}, synapse="held", decay="euler", tau_syn=tau * 1e-3)
    return Parity(
        f"{MODULE}.layer.SynapseFilter", "neuron=exp_synapse neuron.synapse=held", setting, partial(_spikes, 2, 5),
        partial(_filter, tau=tau, learnable=learnable), lambda given: silent(run(given)),
    )  # fmt: skip


def _maps() -> Inputs:
    draw = torch.Generator().manual_seed(6)
    x = (torch.rand(6, 3, 7, 6, generator=draw) < 0.4).float()
    return {"x": x, "g": torch.randn(6, 1, 1, 1, generator=draw), "w": torch.randn(4, 3, 3, 3, generator=draw)}


def _conv(given: Inputs, built: nn.Module) -> Traces:
    built.weight.data.copy_(given["w"])
    nn.init.constant_(built.bias, 0.2)
    learned = [("w", built.weight), *([] if built.gain is None else [("gain", built.gain)])]
    if built.gain is not None:
        built.gain.data.copy_(torch.tensor([0.5, 1.0, 1.5, -2.0]).view(4, 1, 1, 1))
    x = given["x"].clone().requires_grad_()
    return silent(with_gradients(built(x), x, given, learned))


def _standardised(given: Inputs, **options: Any) -> Traces:
    from spikingjelly.activation_based import layer

    return _conv(given, layer.WSConv2d(3, 4, 3, **options))


def _conv_case(setting: str, **options: Any) -> Parity:
    return Parity(
        f"{MODULE}.layer.WSConv2d", "snnctl.networks.StandardisedConv2d", setting, _maps,
        partial(_standardised, **options), lambda given: _conv(given, StandardisedConv2d(3, 4, 3, **options)),
    )  # fmt: skip


def _rows() -> Inputs:
    given = _spikes(12)
    w = torch.randn(5, 12, generator=torch.Generator().manual_seed(7))
    return {**given, "g": given["g"][:, :5], "w": w, "b": w[:, 0]}


def _product(given: Inputs, biased: bool) -> Traces:
    from spikingjelly.activation_based.functional import sparse_linear

    x, w = given["x"].clone().requires_grad_(), given["w"].clone().requires_grad_()
    y = sparse_linear(x, w, given["b"] if biased else None)
    return silent(with_gradients(y, x, given, [("w", w)]))


def _linear(given: Inputs, biased: bool) -> Traces:
    layer = nn.Linear(12, 5, biased)
    layer.weight.data.copy_(given["w"])
    if biased:
        layer.bias.data.copy_(given["b"])
    x = given["x"].clone().requires_grad_()
    return silent(with_gradients(layer(x), x, given, [("w", layer.weight)]))


def _product_case(setting: str, biased: bool) -> Parity:
    return Parity(
        f"{MODULE}.functional.sparse_linear", "torch.nn.Linear", setting, _rows,
        partial(_product, biased=biased), partial(_linear, biased=biased),
    )  # fmt: skip


CASES = [
    _filter_case("defaults", 100.0),
    _filter_case("tau=10", 10.0),
    _filter_case("tau=3_learnable=True", 3.0, True),
    _conv_case("defaults"),
    _conv_case("gain=False_eps=0.1", gain=False, eps=0.1),
    _conv_case("stride=2_padding=1", stride=2, padding=1),
    _product_case("defaults", False),  # strategy="sparse" wants a GPU
    _product_case("bias", True),
]
