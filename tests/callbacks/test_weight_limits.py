"""Limits that weights keep exactly in training."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from snnctl.callbacks.weight_limits import WeightLimits
from snnctl.datasets.facts import Facts
from snnctl.errors import UserError
from snnctl.networks import Network


def network() -> Network:
    torch.manual_seed(0)
    return Network({"fc": partial(nn.Linear, out_features=4), "out": nn.Linear}, Facts((5,), ("a", "b"), 1e-3, 3))


def test_weights_are_put_back_after_a_batch():
    net = network()
    bias = net.layers["fc"].bias.clone()
    limits = WeightLimits("fc.weight", low=0.0, high=0.2)
    out = net.layers["out"].weight.clone()
    limits.on_train_batch_end(None, SimpleNamespace(network=net), None, None, 0)
    weight = net.layers["fc"].weight
    assert weight.min() == 0 and weight.max() <= 0.2 and weight.requires_grad
    assert torch.equal(net.layers["fc"].bias, bias) and torch.equal(net.layers["out"].weight, out)


def test_weights_start_within_the_limits():
    net = network()
    WeightLimits(norm=2.0).on_fit_start(None, SimpleNamespace(network=net))
    for name in ("fc", "out"):
        torch.testing.assert_close(net.layers[name].weight.abs().sum(1), torch.full((len(net.layers[name].bias),), 2.0))


@pytest.mark.parametrize("wrong", [{}, {"low": 1.0, "high": 0.0}, {"norm": 0.0}])
def test_values_out_of_range(wrong):
    with pytest.raises(UserError, match="WeightLimits"):
        WeightLimits(**wrong)


def test_names_that_fit_nothing():
    with pytest.raises(UserError, match=r"no parameter is called 'fd.weight'"):
        WeightLimits("fd.weight", low=0.0).apply(network())
