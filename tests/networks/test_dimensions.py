"""Attention over steps, channels and places."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import nn

from snnctl.datasets.facts import Facts
from snnctl.errors import UserError
from snnctl.networks import MultiDimensionalAttention, Network
from snnctl.neurons import LIF

DT = 1e-3


def test_weights_of_steps_by_hand():
    layer = MultiDimensionalAttention(axes=["time"], reduction=2, steps=2, shape=(2,), rectify=False)
    layer.over_time[0].weight.data.copy_(torch.tensor([[1.0, -1.0]]))
    layer.over_time[2].weight.data.copy_(torch.tensor([[1.0], [2.0]]))
    x = torch.tensor([[[3.0, 1.0]], [[0.0, 1.0]]])  # means 2 and 1/2, maxima 3 and 1: relu of 3/2 and of 2, 7/2 in all
    expected = x * torch.tensor([3.5, 7.0]).sigmoid().view(2, 1, 1)
    torch.testing.assert_close(layer(x, dt=DT)[0], expected)


def test_a_shorter_sequence_weighs_its_own_steps():
    layer = MultiDimensionalAttention(axes=["time"], reduction=2, steps=6, shape=(3,), rectify=False)
    x = torch.rand(4, 2, 3)
    out, _ = layer(x, dt=DT)
    assert out.shape == x.shape and (out < x).all() and (out > 0).all()


@pytest.mark.parametrize("axes", [["channel"], ["space"], ["time", "channel", "space"]])
def test_each_sample_has_weights_of_its_own(axes):
    layer = MultiDimensionalAttention(axes=axes, reduction=2, steps=3, shape=(4, 5, 5))
    x = torch.randn(3, 2, 4, 5, 5)
    alone = layer(x[:, :1], dt=DT)[0]
    torch.testing.assert_close(layer(x, dt=DT)[0][:, :1], alone)
    assert (alone >= 0).all() and alone.any()


def test_in_a_network_it_learns():
    facts = Facts((2, 8, 8), ("0", "1"), DT, 4)
    layers = {"conv": partial(nn.Conv2d, out_channels=4, kernel_size=3), "attention": MultiDimensionalAttention,
              "neuron": LIF(threshold=0.1, backend="eager"), "flatten": nn.Flatten(), "out": nn.Linear}  # fmt: skip
    net = Network(layers, facts)
    net(torch.rand(4, 3, 2, 8, 8))[0].sum().backward()
    assert all(p.grad is not None for p in net.layers["attention"].parameters())
    assert len(list(net.layers["attention"].parameters())) == 5


@pytest.mark.parametrize(("make", "said"), [
    (lambda: MultiDimensionalAttention(axes=[], shape=(3,)), "axes is empty"),
    (lambda: MultiDimensionalAttention(axes=["depth"], shape=(3,)), "axes is 'depth'"),
    (lambda: MultiDimensionalAttention(axes=["space"], shape=(3,)), r"gets \(3,\) at each step"),
    (lambda: MultiDimensionalAttention(axes=["time"], shape=(3,)), "steps is None"),
    (lambda: MultiDimensionalAttention(axes=["channel"], reduction=5, shape=(4,)), "reduction is 5\nrange +1 to 4"),
    (lambda: MultiDimensionalAttention(steps=4, kernel_size=2, shape=(4, 5, 5)), "kernel_size is 2\nrange +odd"),
    (lambda: MultiDimensionalAttention(axes=["time"], steps=4, shape=(3,))(torch.rand(5, 1, 3), dt=DT),
     "sequence of 5 steps\nrange +1 to 4"),
])  # fmt: skip
def test_mistakes(make, said):
    with pytest.raises(UserError, match=said):
        make()


def test_it_cannot_go_on_from_a_state():
    layer = MultiDimensionalAttention(axes=["time"], steps=4, shape=(3,))
    _, state = layer(torch.rand(2, 1, 3), dt=DT)
    with pytest.raises(UserError, match="cannot go on from a state"):
        layer(torch.rand(2, 1, 3), state, dt=DT)
