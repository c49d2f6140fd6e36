"""Residual blocks: two branches, added or joined."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import nn

from snnctl.datasets.facts import Facts
from snnctl.errors import UserError
from snnctl.networks import Chain, Network, Residual
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


@pytest.mark.parametrize(("join", "expected"), [("add", [0, 1, 1, 2]), ("and", [0, 0, 0, 1]), ("iand", [0, 0, 1, 0])])
def test_spikes_of_both_branches_are_joined(join, expected):
    layers = {"block": partial(Residual, layers={"n": partial(LIF, threshold=0.5)}, shortcut=nn.Identity, join=join)}
    net = Network([layers["block"]], Facts((4,), (), 1e-3, 1))
    net.layers["0"].layers["n"].forward = lambda x, state, dt: (torch.tensor([[[0.0, 1.0, 0.0, 1.0]]]), None)
    assert net(torch.tensor([[[0.0, 0.0, 1.0, 1.0]]]))[0].flatten().tolist() == expected


def test_a_short_cut_with_neurons_has_a_state_and_a_place():
    torch.manual_seed(0)
    neuron = partial(LIF, threshold=0.2, backend="eager")
    way = partial(Chain, {"conv": partial(nn.Conv2d, out_channels=5, kernel_size=1, stride=2), "n": neuron})
    sew = partial(Residual, layers={"conv": conv(5, stride=2), "n": neuron}, projection=way)
    net = Network({"block": sew, **END}, IMAGE)
    assert list(net.temporal_layers()) == ["block.n", "block.shortcut.n"]
    x = torch.rand(4, 2, 3, 7, 7)
    out, _ = block(net)(x, dt=1e-3)
    body, _ = Chain.forward(block(net), x, dt=1e-3)
    around, _ = block(net).shortcut(x, dt=1e-3)
    assert 0 < around.mean() < 1 and torch.equal(out, body + around)
    first, state = block(net)(x[:1], dt=1e-3)
    assert torch.equal(torch.cat([first, block(net)(x[1:], state, dt=1e-3)[0]]), out)


def test_a_projection_is_for_shapes_that_differ():
    same = partial(Residual, layers={"conv": conv(3)}, projection=partial(nn.Conv2d, out_channels=3, kernel_size=1))
    assert isinstance(block(Network({"block": same, **END}, IMAGE)).shortcut, nn.Identity)


def test_a_join_that_does_not_exist():
    with pytest.raises(UserError, match="iand"):
        Network({"block": partial(Residual, layers={"conv": conv(3)}, join="nand"), **END}, IMAGE)


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
