"""Synapses that transmit by chance, and convolutions with standardised weights."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import nn

from snnctl.datasets.facts import Facts
from snnctl.errors import UserError
from snnctl.networks import Network, StandardisedConv2d, StochasticLinear
from snnctl.neurons import LIF

DT = 1e-3


def test_a_synapse_transmits_as_often_as_it_should():
    torch.manual_seed(0)
    layer = StochasticLinear(1, 4, probability=0.25, bias=False)
    layer.weight.data.fill_(1.0)
    out, _ = layer(torch.ones(4000, 2, 1), dt=DT)
    assert set(out.unique().tolist()) == {0.0, 1.0}
    assert (out.mean(0) - 0.25).abs().max() < 0.03
    assert torch.equal(out[:, 0], out[:, 1])  # one draw for the samples of a batch
    assert not torch.equal(out[:, 0, 0], out[:, 0, 1])


@pytest.mark.parametrize(("probability", "share"), [(1.0, 1.0), (0.0, 0.0)])
def test_certain_synapses_are_a_linear_layer_and_none(probability, share):
    layer = StochasticLinear(5, 3, probability=probability)
    x = torch.rand(4, 2, 5)
    torch.testing.assert_close(layer(x, dt=DT)[0], x @ (share * layer.weight.T) + layer.bias)


def test_in_a_network_it_learns_its_weights_only():
    net = Network({"synapses": partial(StochasticLinear, out_features=6), "neuron": LIF(backend="eager"),
                   "out": nn.Linear}, Facts((5,), ("0", "1"), DT, 4))  # fmt: skip
    net(torch.rand(4, 3, 5) * 3)[0].sum().backward()
    assert net.layers["synapses"].weight.grad.any()
    assert set(dict(net.layers["synapses"].named_parameters())) == {"weight", "bias"}


def test_mistakes():
    with pytest.raises(UserError, match=r"probability is 1.5\nrange +0 to 1, no unit"):
        StochasticLinear(5, 3, probability=1.5)
    with pytest.raises(UserError, match=r"wanted +\(T, B, 5\)"):
        StochasticLinear(5, 3)(torch.rand(4, 2, 6), dt=DT)


def test_standardised_weights_have_mean_0_and_variance_1_together():
    layer = StandardisedConv2d(3, 4, 5, eps=1e-9)
    w = layer.standardised().flatten(1)
    torch.testing.assert_close(w.mean(1), torch.zeros(4), atol=1e-6, rtol=0)
    torch.testing.assert_close(w.square().sum(1) * 75 / 74, torch.ones(4))
    x = torch.rand(2, 3, 8, 8)
    torch.testing.assert_close(layer(x), nn.functional.conv2d(x, layer.standardised(), layer.bias))


def test_the_gain_is_learned_where_wanted():
    assert "gain" in dict(StandardisedConv2d(3, 4, 3).named_parameters())
    assert "gain" not in dict(StandardisedConv2d(3, 4, 3, gain=False).named_parameters())
    net = Network({"conv": partial(StandardisedConv2d, out_channels=4, kernel_size=3)}, Facts((2, 6, 6), (), DT, 4))
    assert net(torch.rand(4, 1, 2, 6, 6))[0].shape == (4, 1, 4, 4, 4)
