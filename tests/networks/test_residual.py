"""Residual blocks: the sum of two branches."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import nn

from snnctl.datasets.facts import Facts
from snnctl.errors import UserError
from snnctl.networks import Network, Residual
from snnctl.neurons import LIF

IMAGE = Facts(shape=(3, 7, 7), classes=("a", "b"), dt=1e-3, steps=4)
END = {"flatten": nn.Flatten, "fc": nn.Linear}


def conv(channels: int, stride: int = 1):
    return partial(nn.Conv2d, out_channels=channels, kernel_size=3, stride=stride, padding=1)


def block(net: Network) -> Residual:
    return net.layers["block"]


def test_equal_shapes_are_added_as_they_are():
    net = Network({"block": partial(Residual, layers={"conv": conv(3), "neuron": LIF}), **END}, IMAGE)
    x = torch.rand(4, 2, 3, 7, 7)
    out, _ = block(net)(x, dt=1e-3)
    current = torch.stack([block(net).layers["conv"](step) for step in x])
    torch.testing.assert_close(out, x + block(net).layers["neuron"](current, dt=1e-3)[0])
    assert isinstance(block(net).shortcut, nn.Identity)
    assert list(net.temporal_layers()) == ["block.neuron"]


def test_different_shapes_are_projected_with_the_stride_that_they_ask_for():
    net = Network({"block": partial(Residual, layers={"neuron": LIF, "conv": conv(5, stride=2)}), **END}, IMAGE)
    projection = block(net).shortcut
    assert projection.weight.shape == (5, 3, 1, 1) and projection.stride == (2, 2) and projection.bias is None
    x = torch.rand(4, 2, 3, 7, 7)
    spikes, _ = block(net).layers["neuron"](x, dt=1e-3)
    expected = torch.stack([block(net).layers["conv"](s) + projection(step) for s, step in zip(spikes, x, strict=True)])
    torch.testing.assert_close(block(net)(x, dt=1e-3)[0], expected)
    assert "block.shortcut" in [name for name, *_ in net.walk()]


def test_vectors_are_projected_by_a_linear_layer():
    net = Network(
        {"block": partial(Residual, layers={"fc": partial(nn.Linear, out_features=9), "neuron": LIF}), "fc": nn.Linear},
        Facts((4,), ("a", "b"), 1e-3, None),
    )
    assert block(net).shortcut.weight.shape == (9, 4)


def test_a_short_cut_of_the_users_own():
    pooled = partial(nn.AvgPool2d, kernel_size=2, ceil_mode=True)
    net = Network({"block": partial(Residual, layers={"conv": conv(3, stride=2)}, shortcut=pooled), **END}, IMAGE)
    assert isinstance(block(net).shortcut, nn.AvgPool2d)
    assert net.shapes["block"] == (3, 4, 4)


def test_branches_of_different_shapes_are_refused():
    with pytest.raises(UserError, match=r"block \(Residual\): the block gives \(3, 5, 5\), the short cut \(3, 7, 7\)"):
        Network(
            {
                "block": partial(
                    Residual, layers={"conv": partial(nn.Conv2d, out_channels=3, kernel_size=3)}, shortcut=nn.Identity
                ),
                **END,
            },
            IMAGE,
        )
